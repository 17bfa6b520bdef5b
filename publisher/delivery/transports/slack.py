"""The format of Slack's incoming webhooks: Block Kit, with a text for notifications.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. Titles and texts stand in ``rich_text``,
whose texts are no mrkdwn: nothing in them is a mention, a link or an emphasis.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from publisher.delivery.transports.base import Content
from publisher.delivery.transports.writing.answers import said_no
from publisher.delivery.transports.writing.fitting import fitted
from publisher.delivery.transports.writing.message import Message
from publisher.delivery.transports.writing.messages import MessageFormat

TITLE, TEXT, ALT = 300, 2600, 1900
"""Characters, within the 3,000 of a text and the 2,000 of ``alt_text``."""

_FAULT = re.compile(r"[a-z]+(?:_[a-z]+)+")


class Slack(MessageFormat):
    """A headline that is a link, what there is to say, a picture, and who says it."""

    name: ClassVar[str] = "slack"
    label: ClassVar[str] = "Slack"
    about: ClassVar[str] = "A message of Block Kit for an incoming webhook of Slack, or of what takes the same."
    reads_answers: ClassVar[bool] = True
    example_url: ClassVar[str] = "https://hooks.slack.com/services/T0/B0/x"

    def payload(self, told: Message, content: Content, asked: Any) -> dict[str, Any]:
        title = fitted(told.headline, TITLE)
        lines = [_line(title, told.link)]
        if told.rest:
            lines.append({"type": "text", "text": "\n" + fitted(told.rest, TEXT)})
        blocks: list[dict[str, Any]] = [
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": lines}]}
        ]
        if told.image:
            blocks.append({"type": "image", "image_url": told.image, "alt_text": fitted(told.alt, ALT)})
        if told.footer:
            footer = {"type": "plain_text", "text": _escaped(told.footer), "emoji": False}
            blocks.append({"type": "context", "elements": [footer]})
        return {"text": _escaped(title), "mrkdwn": False, "blocks": blocks, "unfurl_links": False}

    def refusal(self, answer: str) -> str | None:
        """Slack answers ``ok``, or what is wrong in one word, such as ``invalid_blocks``."""
        said = answer.strip()
        if _FAULT.fullmatch(said):
            return f"Slack says {said}"
        no = said_no(answer)
        return None if no is None else f"Slack says {no}"


def _line(title: str, link: str | None) -> dict[str, Any]:
    bold = {"style": {"bold": True}}
    return {"type": "link", "url": link, "text": title, **bold} if link else {"type": "text", "text": title, **bold}


def _escaped(text: str) -> str:
    """As Slack wants every text that may be mrkdwn: three references, and no others."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
