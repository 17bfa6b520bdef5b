"""The format of Teams: an Adaptive Card 1.4 in a message, as a Workflows (Power Automate) webhook takes it.

https://adaptivecards.io/explorer/. Texts are runs of a ``RichTextBlock``, which are no Markdown, unlike a ``TextBlock``
or a ``FactSet``. A message has 28 KB.
"""

from __future__ import annotations

from typing import Any, ClassVar

from publisher.delivery.transports.base import Content
from publisher.delivery.transports.writing.fitting import fitted
from publisher.delivery.transports.writing.message import Message, Mood
from publisher.delivery.transports.writing.messages import MessageFormat

TITLE, TEXT, ALT = 500, 3000, 500

COLOURS = {Mood.UP: "Good", Mood.DOWN: "Attention", Mood.WARNING: "Warning", Mood.GOOD: "Good"}


class Teams(MessageFormat):
    """A card with a headline, what there is to say, a picture, and a button that opens the item."""

    name: ClassVar[str] = "teams"
    label: ClassVar[str] = "Microsoft Teams"
    about: ClassVar[str] = "A message with an Adaptive Card 1.4, for a webhook of Teams' Workflows."

    def payload(self, told: Message, content: Content, asked: Any) -> dict[str, Any]:
        card: dict[str, Any] = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": list(_blocks(told)),
        }
        if told.link:
            card["actions"] = [{"type": "Action.OpenUrl", "title": told.open, "url": told.link}]
        card["msteams"] = {"width": "Full"}
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _blocks(told: Message) -> list[dict[str, Any]]:
    colour = {"color": COLOURS[told.mood]} if told.mood in COLOURS else {}
    blocks = [_text(fitted(told.headline, TITLE), weight="Bolder", size="Medium", **colour)]
    if told.image:
        blocks.append({"type": "Image", "url": told.image, "altText": fitted(told.alt, ALT)})
    blocks += [_text(line) for line in fitted(told.rest, TEXT).splitlines()]
    if told.footer:
        blocks.append(_text(fitted(told.footer, TITLE), isSubtle=True, size="Small"))
    return blocks


def _text(text: str, **how: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **how}]}
