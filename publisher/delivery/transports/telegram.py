"""The format of Telegram's Bot API: ``sendMessage``, or ``sendPhoto`` where there is a picture.

https://core.telegram.org/bots/api. A text has 4,096 characters and a caption 1,024, counted without markup.
"""

from __future__ import annotations

import re
from html import escape
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from publisher.delivery.transports.base import Content, Parameters
from publisher.delivery.transports.writing.answers import number, said_no, values
from publisher.delivery.transports.writing.fitting import fitted, utf16
from publisher.delivery.transports.writing.message import Message
from publisher.delivery.transports.writing.messages import MessageFormat, MessageParameters
from publisher.model import Options

TEXT, CAPTION, TITLE = 4096, 1024, 400

_CHAT = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,16}")
_BOT = re.compile(r"(?:/[^/]*)*/bot[0-9]+:[A-Za-z0-9_-]+")


def _chat(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _CHAT.fullmatch(value):
        raise ValueError("should be the number of a chat, or the @name of a channel")
    return value


class TelegramParameters(MessageParameters):
    """Where a bot writes to, and how."""

    chat_id: Annotated[int | str, BeforeValidator(_chat)] = Field(
        description="the chat: its number, or the @name of a channel"
    )
    thread: Annotated[int, Field(ge=1, le=2**53)] | None = Field(
        default=None, description="the topic of a forum, by number"
    )
    silent: bool = Field(default=False, description="true: without a sound")


class Telegram(MessageFormat):
    """A headline that is a link, in bold, and what there is to say; below a picture where there is one."""

    name: ClassVar[str] = "telegram"
    label: ClassVar[str] = "Telegram"
    about: ClassVar[str] = "A message or a photo with a caption, sent by a bot of Telegram to the chat `chat_id`."
    parameters: ClassVar[type[Parameters]] = TelegramParameters
    reads_answers: ClassVar[bool] = True
    example: ClassVar[Options] = Options(parameters={"chat_id": "@kabar"})
    example_url: ClassVar[str] = "https://api.telegram.org/bot123456:ABC-DEF"

    def path(self, content: Content) -> str:
        return "/sendPhoto" if self.told(content).image else "/sendMessage"

    def payload(self, told: Message, content: Content, asked: Any) -> dict[str, Any]:
        common = {
            "chat_id": asked.chat_id,
            **({"message_thread_id": asked.thread} if asked.thread is not None else {}),
            **({"disable_notification": True} if asked.silent else {}),
            "parse_mode": "HTML",
        }
        if told.image:
            return {**common, "photo": told.image, "caption": _written(told, CAPTION)}
        return {**common, "text": _written(told, TEXT), "link_preview_options": {"is_disabled": True}}

    def refusal(self, answer: str) -> str | None:
        """``ok`` is false where it was not taken, also with a 200."""
        said = said_no(answer)
        return None if said is None else f"Telegram says {said}"

    def wait(self, answer: str) -> float | None:
        """``parameters.retry_after``: seconds."""
        found = values(answer).get("parameters")
        return number(found.get("retry_after")) if isinstance(found, dict) else None

    def url_refusal(self, url: str) -> str | None:
        parts = urlsplit(url)
        if _BOT.fullmatch(parts.path) and not parts.query:
            return None
        return "should end with the bot's token, as in https://api.telegram.org/bot123456:ABC-DEF; the method follows"


def _written(told: Message, room: int) -> str:
    title = fitted(told.headline, TITLE, utf16)
    rest = fitted(told.rest, room - utf16(title) - 2, utf16)
    head = f"<b>{escape(title, quote=False)}</b>"
    if told.link:
        head = f'<a href="{escape(told.link)}">{head}</a>'
    return f"{head}\n\n{escape(rest, quote=False)}" if rest else head
