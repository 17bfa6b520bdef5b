"""The owner's own body: a JSON value with placeholders, for whoever reads no other format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from publisher.delivery.transports.base import Content, Format, Parameters, Ping, Refusal, SingleEvent
from publisher.delivery.transports.writing.envelope import envelope
from publisher.delivery.transports.writing.templates import TemplateFaults, filled, parse
from publisher.model import Options
from publisher.model.options import template_text


class TemplateParameters(Parameters):
    """What is said of the body."""

    content_type: Annotated[str, Field(pattern=r"^application/([a-z0-9.-]+\+)?json$", max_length=100)] = Field(
        default="application/json", description="the type of the body: a kind of JSON"
    )


class Template(Format):
    """What the owner wrote, filled with the envelope that ``standard`` would send to this follower."""

    name: ClassVar[str] = "template"
    label: ClassVar[str] = "Template"
    about: ClassVar[str] = "Your own JSON, whose texts may hold placeholders: see [Templates](#templates)."
    carries: ClassVar[frozenset[type[Content]]] = frozenset({SingleEvent, Ping})
    takes: ClassVar[frozenset[str]] = frozenset({"content", "template"})
    parameters: ClassVar[type[Parameters]] = TemplateParameters
    example: ClassVar[Options] = Options(
        template=template_text(
            {
                "event": "{{ type }}",
                "number": "{{ seq }}",
                "text": "{{ data.title | default:'(no title)' | truncate:80 }} – {{ timestamp | date:'iso' }}",
                "tags": "{{ data.topics }}",
                "link": "{{ data.url | default:'' }}",
                "value": "{{ data.value | number }}",
            }
        )
    )

    def content_type(self, content: Content) -> str:
        return TemplateParameters.model_validate(content.asked.parameters).content_type

    def body(self, content: Content) -> bytes:
        return filled(content.asked.template or "null", envelope(content), content.site)

    def template_refusals(self, template: str | None) -> Iterator[Refusal]:
        if template is None:
            yield Refusal("template", "is missing: the body, a JSON value whose texts may hold {{ data.title }}")
            return
        try:
            parse(template)
        except TemplateFaults as wrong:
            yield from wrong.faults
