"""The format of Discord's webhooks: one embed, and nobody mentioned.

https://discord.com/developers/docs/resources/webhook#execute-webhook; an embed has 256 characters of title, 4,096 of
description, 2,048 of footer and 6,000 in all.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from publisher.clock import rfc3339
from publisher.delivery.transports.base import Content
from publisher.delivery.transports.writing.answers import number, values
from publisher.delivery.transports.writing.fitting import fitted, utf16
from publisher.delivery.transports.writing.message import Message, Mood
from publisher.delivery.transports.writing.messages import MessageFormat

TITLE, DESCRIPTION, FOOTER = 256, 4096, 1000

COLOURS = {
    Mood.UP: 0x2E7D32,
    Mood.DOWN: 0xC62828,
    Mood.GONE: 0x757575,
    Mood.WARNING: 0xF9A825,
    Mood.GOOD: 0x2E7D32,
}

_MARKS = re.compile(r"[\\*_~`|<>\[\]()]")
_AT_A_START = re.compile(r"^(\s*)([-+#]|\d+(?=[.)]))", re.MULTILINE)


class Discord(MessageFormat):
    """An embed whose title is a link, coloured by which way a value went."""

    name: ClassVar[str] = "discord"
    label: ClassVar[str] = "Discord"
    about: ClassVar[str] = "An embed for a webhook of Discord, which mentions nobody whatever a headline says."
    example_url: ClassVar[str] = "https://discord.com/api/webhooks/1/x"

    def payload(self, told: Message, content: Content, asked: Any) -> dict[str, Any]:
        embed: dict[str, Any] = {
            "title": _written(told.headline, TITLE),
            "url": told.link,
            "description": _written(told.rest, DESCRIPTION),
            "timestamp": rfc3339(content.timestamp),
            "color": COLOURS.get(told.mood),
            "image": {"url": told.image} if told.image else None,
            "footer": {"text": fitted(told.footer, FOOTER, utf16)} if told.footer else None,
        }
        return {
            "embeds": [{name: value for name, value in embed.items() if value not in (None, "")}],
            "allowed_mentions": {"parse": []},
        }

    def wait(self, answer: str) -> float | None:
        """``retry_after``: seconds, with a fraction (Discord, "Rate Limits")."""
        return number(values(answer).get("retry_after"))


def _written(text: str, room: int) -> str:
    """The text with a backslash before all that Discord's Markdown would take for its own."""
    return _escaped(fitted(text, room, lambda some: utf16(_escaped(some))))


def _escaped(text: str) -> str:
    return _AT_A_START.sub(_at_a_start, _MARKS.sub(r"\\\g<0>", text))


def _at_a_start(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}\\" if found[2].isdigit() else f"{found[1]}\\{found[2]}"
