"""What all formats have in common that write for people: which languages, whether pictures."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import Field

from publisher.delivery.transports.base import Content, Format, Parameters, Ping, SingleEvent
from publisher.delivery.transports.writing.message import Message, message
from publisher.jsonbytes import compact
from publisher.model.base import Language


class MessageParameters(Parameters):
    """What every format for people takes."""

    images: bool = Field(default=True, description="false: no pictures; a receiver may refuse one it cannot load")
    language: Language = Field(default=None, description="the language of labels and numbers; the site's if left out")


class MessageFormat(Format):
    """A format whose body is JSON that shows a message. Its parameters are a :class:`MessageParameters`."""

    carries: ClassVar[frozenset[type[Content]]] = frozenset({SingleEvent, Ping})
    parameters: ClassVar[type[Parameters]] = MessageParameters

    def content_type(self, content: Content) -> str:
        return "application/json"

    def body(self, content: Content) -> bytes:
        asked = self.asked(content)
        return compact(self.payload(_message(content, asked), content, asked))

    @abstractmethod
    def payload(self, told: Message, content: Content, asked: Any) -> dict[str, Any]:
        """The message as the receiver has it; ``asked`` are the parameters."""

    def told(self, content: Content) -> Message:
        """The message of a content."""
        return _message(content, self.asked(content))

    def asked(self, content: Content) -> Any:
        """The parameters that a follower gave, as they were checked when it registered."""
        return self.parameters.model_validate(content.asked.parameters)


def _message(content: Content, asked: Any) -> Message:
    return message(content, asked.language or content.site.language, images=asked.images)
