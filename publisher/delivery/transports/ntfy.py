"""The format of ntfy, published as JSON: https://docs.ntfy.sh/publish/#publish-as-json. Its texts are plain.

What is longer than 4,096 bytes would be made an attached file.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from publisher.delivery.transports.base import Content, Parameters
from publisher.delivery.transports.writing.fitting import fitted, utf8
from publisher.delivery.transports.writing.message import Message, Mood
from publisher.delivery.transports.writing.messages import MessageFormat, MessageParameters
from publisher.model import Options

TITLE, MESSAGE = 250, 4000

TAGS = {
    Mood.NEWS: "newspaper",
    Mood.UP: "chart_with_upwards_trend",
    Mood.DOWN: "chart_with_downwards_trend",
    Mood.FLAT: "bar_chart",
    Mood.GONE: "wastebasket",
    Mood.WARNING: "warning",
    Mood.GOOD: "white_check_mark",
}
"""Names of emoji that stand before the title."""

HIGH = 4
"""The priority of what goes wrong, of five; 3 is the default."""


class NtfyParameters(MessageParameters):
    """Where it is published."""

    topic: Annotated[str, Field(pattern=r"^[-_A-Za-z0-9]{1,64}$")] = Field(
        description="the topic: up to 64 letters, digits, - and _"
    )
    priority: Annotated[int, Field(ge=1, le=5)] | None = Field(
        default=None, description="1 to 5, for all messages; else 3, and 4 for what goes wrong"
    )


class Ntfy(MessageFormat):
    """A notification that opens the item."""

    name: ClassVar[str] = "ntfy"
    label: ClassVar[str] = "ntfy"
    about: ClassVar[str] = "A notification for the topic `topic` of an ntfy server, published as JSON."
    parameters: ClassVar[type[Parameters]] = NtfyParameters
    example: ClassVar[Options] = Options(parameters={"topic": "kabar"})
    example_url: ClassVar[str] = "https://ntfy.example/"

    def payload(self, told: Message, content: Content, asked: Any) -> dict[str, Any]:
        said: dict[str, Any] = {
            "topic": asked.topic,
            "title": fitted(told.headline, TITLE, utf8),
            "message": fitted(told.rest or told.footer or told.headline, MESSAGE, utf8),
            "tags": [TAGS[told.mood]],
            "priority": asked.priority or (HIGH if told.mood is Mood.WARNING else None),
            "click": told.link,
            "attach": told.image,
        }
        return {name: value for name, value in said.items() if value is not None}

    def url_refusal(self, url: str) -> str | None:
        parts = urlsplit(url)
        if parts.path in ("", "/") and not parts.query:
            return None
        return 'should be the ntfy server alone, as in https://ntfy.sh/; the topic is "parameters": {"topic": …}'
