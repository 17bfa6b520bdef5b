"""The owner's own body: what a template may hold, what it makes, and that it costs no more than it may."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.effort import QUADRATIC, growth
from support.items import an_article, an_event

from publisher.delivery.transports import FORMATS, preview_body
from publisher.delivery.transports.base import SingleEvent, Site
from publisher.delivery.transports.writing.templates import FILTERS, OUT_BYTES, PATHS, TemplateFaults, parse
from publisher.delivery.transports.writing.templates.filling import WORK_BYTES
from publisher.delivery.transports.writing.templates.filters import Argument
from publisher.errors import Unwritable
from publisher.model import Change, EventType, Options, article_json
from publisher.model.options import TEMPLATE_BYTES, template_text

SITE = Site("Kabar", "https://kabar.example", "id", "Asia/Jakarta")
ARTICLE = {
    **article_json(an_article("a1")),
    "title": 'Kopi "naik" & turun, {{ seq }} \\u0041',
    "body": "<p>Harga <b>kopi</b> &amp; teh</p><p>naik.</p>",
    "url": "https://news.example/a b?x=1&y=ü",
    "topics": ["kopi", "teh"],
    "published": "2026-11-22T08:00:00Z",
    "images": [{"url": "https://news.example/p.jpg", "caption": None}],
}


def told(data: dict[str, Any] = ARTICLE, **fields: Any) -> SingleEvent:
    event = an_event(EventType.ARTICLE_UPDATED, data=data, seq=42, changed=("title", "body"))
    return SingleEvent.of(event, event.type, Change.STAYED, site=SITE, **fields)


def made(template: Any, data: dict[str, Any] = ARTICLE, **fields: Any) -> Any:
    asked = Options(template=template_text(template), **fields)
    return json.loads(preview_body("template", asked, told(data)).body)


def refused(template: Any) -> list[tuple[str, str]]:
    with pytest.raises(TemplateFaults) as found:
        parse(template_text(template))
    return [(one.field, one.said) for one in found.value.faults]


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("{{ data.title }}", ARTICLE["title"]),
        ("{{data.title}}", ARTICLE["title"]),
        ({"n": "{{ seq }}", "t": "{{ data.topics }}", "i": "{{ data.images.0 }}", "none": "{{ data.summary }}"},
         {"n": 42, "t": ["kopi", "teh"], "i": ARTICLE["images"][0], "none": None}),
        ({"text": "#{{ seq }}: {{ data.topics }} {{ data.summary }}!"}, {"text": '#42: ["kopi","teh"] !'}),
        ({"{{ seq }}": "{{ seq }}"}, {"{{ seq }}": 42}),
        ([1, None, True, "x", {"deep": [["{{ type }}"]]}], [1, None, True, "x", {"deep": [["article.updated"]]}]),
        ("{{ data.topics.1 }} {{ data.topics.7 }}", "teh "),
        ("{{ '{{' }} {{ \"it's\" | upper }}", "{{ IT'S"),
        ("}} {{ change }} }}", "}} stayed }}"),
    ],
)  # fmt: skip
def test_a_text_that_is_one_placeholder_becomes_its_value_and_any_other_a_text(template: Any, body: Any) -> None:
    assert made(template) == body


@pytest.mark.parametrize(
    ("filters", "value"),
    [
        ("data.summary | default:'none'", "none"),
        ("data.title | default:'none'", ARTICLE["title"]),
        ("data.attachments | default:0", 0),
        ("data.title | truncate:12", 'Kopi "naik"…'),
        ("data.title | upper | truncate:6", "KOPI…"),
        ("data.topics.0 | upper | lower", "kopi"),
        ("data.body | strip_html", "Harga kopi & teh naik."),
        ("data.body | strip_html | truncate:200 | html", "Harga kopi &amp; teh naik."),
        ("data.url | url", "https%3A%2F%2Fnews.example%2Fa%20b%3Fx%3D1%26y%3D%C3%BC"),
        ("data.topics | json", '["kopi","teh"]'),
        ("data.topics | join:', '", "kopi, teh"),
        ("data.topics | first", "kopi"),
        ("data.topics | length", 2),
        ("data.published | date", "22 Nov 2026 15.00 WIB"),
        ("data.published | date:'date'", "22 Nov 2026"),
        ("data.published | date:'iso'", "2026-11-22T08:00:00Z"),
        ("data.published | date:'unix'", 1795334400),
        ("data.title | date", ARTICLE["title"]),
        ("data.summary | date", None),
        ("'16199.00' | number", "16.199,00"),
        ("data.title | number", ARTICLE["title"]),
        ("'1e999999' | number", "1e999999"),
    ],
)
def test_filters(filters: str, value: Any) -> None:
    assert made(f"{{{{ {filters} }}}}") == value


def test_every_filter_is_tried_above() -> None:
    tried = test_filters.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name for name in FILTERS if any(f"| {name}" in filters for filters, _ in tried)} == FILTERS.keys()


def test_it_sees_what_a_standard_webhook_would_carry_and_nothing_else() -> None:
    event = an_event(EventType.ARTICLE_UPDATED, data={**ARTICLE, "body": "<p>Hidden words here.</p>" * 4000},
                     before={**ARTICLE, "title": "Before", "source": "wire"}, source="wire")  # fmt: skip
    every = {path: f"{{{{ {path} }}}}" for path in PATHS if "." not in path or path == "data"}
    for change in Change:
        for summary in (True, False):
            for content in ("full", "thin"):
                asked = Options(template=template_text(every), content=content)
                sees = SingleEvent.of(event, event.type, change, summary=summary, site=SITE)
                standard = preview_body("standard", Options(content=content), sees)
                body = json.loads(preview_body("template", asked, sees).body)
                assert {name: body[name] for name in json.loads(standard.body)} == json.loads(standard.body)


@pytest.mark.parametrize(
    ("template", "field", "says"),
    [
        ("{{ data.titel }}", "template", 'at character 4: there is no path "data.titel"; did you mean "data.title"?'),
        ({"a": [{"b": "x {{ title }}"}]}, "template.a[0].b", 'at character 6: there is no path "title"'),
        ("{{ data.title | trunc:5 }}", "template",
         'at character 17: there is no filter "trunc"; did you mean "truncate"?'),
        ("{{ data.title | truncate }}", "template", 'the filter "truncate" takes a number: truncate:80'),
        ("{{ data.title | truncate:'x' }}", "template", "takes a number"),
        ("{{ data.title | upper:3 }}", "template", 'the filter "upper" takes no argument'),
        ("{{ data.published | date:'x' }}", "template", "takes one of datetime, date, iso, unix"),
        ("{{ data.title | default }}", "template", "takes an argument"),
        ("a {{ data.title", "template", 'at character 3: the placeholder that begins with "{{" does not end with "}}"'),
        ("{{ data.title } }", "template", "at character 15: '} }' should be \"|\" and a filter, or \"}}\""),
        ("{{ }}", "template", "should be a path"),
        ("{{ data.title | }}", "template", "should be the name of a filter"),
        ("{{ 'abc }}", "template", "the text that begins with ' does not end"),
        ("{{ data.title | default:x }}", "template", "should be a text in quotation marks, or a number"),
        ("{{ data.__class__ }}", "template", "there is no path"),
        ("{{ data.title.upper() }}", "template", 'there is no path "data.title.upper"'),
        ("{% for x in data %}{{ x }}", "template", 'there is no path "x"'),
        ("{{ data['title'] }}", "template", "at character 8: \"['title'] }}\" should be"),
        ("{{ data.topics.x }}", "template", "there is no path"),
        ("{{ 1 + 1 }}", "template", "should be a path"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_place_with_what_is_near(template: Any, field: str, says: str) -> None:
    ((found, said),) = refused(template)
    assert found == field
    assert says in said


def test_all_that_is_wrong_is_told_at_once_and_no_more_than_a_page() -> None:
    assert [field for field, _ in refused(["{{ x }}", "fine", "{{ y }}"])] == ["template[0]", "template[2]"]
    assert len(refused(["{{ x }}"] * 500)) == 20


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ([0] * 2001, "more than 2,000 values"),
        (["{{ seq }}" * 501], "more than 500 placeholders"),
        (json.loads("[" * 33 + "]" * 33), "nested deeper than 32 levels"),
        ("{{ data.title " + "| upper" * 9 + " }}", "more than 8 filters"),
    ],
)
def test_its_size_is_bounded(template: Any, says: str) -> None:
    assert says in refused(template)[0][1]


def test_no_more_than_16_kb_are_taken() -> None:
    assert Options(template=template_text("x" * (TEMPLATE_BYTES - 2)))
    with pytest.raises(ValueError, match=r"is 16,385 bytes of JSON; a template has 16,384 at most"):
        Options(template=template_text("x" * (TEMPLATE_BYTES - 1)))
    with pytest.raises(ValueError, match="nested too deeply"):
        template_text(json.loads("[" * 500 + "]" * 500))


LARGE = {**ARTICLE, "body": "<p>" + "kata " * 3000 + "</p>"}


def test_it_makes_64_kb_at_most() -> None:
    once = len(json.dumps(LARGE["body"]))
    assert len(json.dumps(made(["{{ data.body }}"] * (OUT_BYTES // once), LARGE))) > OUT_BYTES - once
    with pytest.raises(Unwritable, match="the template makes more than 65,536 bytes of this event"):
        made(["{{ data.body }}"] * (OUT_BYTES // once + 1), LARGE)


def test_what_is_escaped_on_the_way_out_counts() -> None:
    with pytest.raises(Unwritable, match="more than 65,536 bytes"):
        made(["{{ data.title }}"] * 5, {**ARTICLE, "title": "\x01" * 3200, "body": "<p>x</p>"})


@pytest.mark.parametrize("filter", [name for name, one in FILTERS.items() if one.argument == "none"])
def test_filters_work_on_so_much_and_no_more(filter: str) -> None:
    with pytest.raises(Unwritable, match="filters work on more than 262,144 bytes"):
        made([f"{{{{ data.body | {filter} | length }}}}"] * 100, LARGE)


def test_what_makes_too_much_is_given_up_before_all_of_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[int] = []
    upper = FILTERS["upper"]

    def counted(value: Any, argument: Argument, site: Site) -> Any:
        worked.append(len(value))
        return upper.make(value, argument, site)

    monkeypatch.setitem(FILTERS, "upper", replace(upper, make=counted))
    with pytest.raises(Unwritable):
        made(["{{ data.body | upper | first | upper }}"] * 250, LARGE)
    assert 0 < sum(worked) <= WORK_BYTES


@pytest.mark.parametrize(
    "piece", ["{{ seq }}", "{{", "}}", "{{ seq |", "{{ 'a' | upper ", "{{ '", "{ {", "{{ data.x }}", " ", "{{ seq"]
)
def test_reading_it_takes_time_linear_in_its_size(piece: str) -> None:
    def read(text: str) -> None:
        with contextlib.suppress(TemplateFaults):
            parse(text)

    assert growth(lambda size: template_text(piece * (size // len(piece))), read) < QUADRATIC


@given(
    st.recursive(
        st.text(max_size=30) | st.integers(-(2**63), 2**63) | st.none() | st.booleans(),
        lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=5), one, max_size=4),
    )
)
def test_what_holds_no_placeholder_is_sent_as_it_is(value: Any) -> None:
    if "{{" not in json.dumps(value):
        assert made([value]) == [value]


@given(st.text(max_size=60))
def test_no_item_can_write_json_or_a_placeholder_of_its_own(title: str) -> None:
    data = {**ARTICLE, "title": title}
    assert made({"a": "{{ data.title }}", "b": "<{{ data.title }}>"}, data) == {"a": title, "b": f"<{title}>"}


def test_a_template_is_needed_by_its_format_and_refused_by_others() -> None:
    format = FORMATS["template"]
    ((one),) = format.refusals("https://receiver.example/", Options())
    assert (one.field, one.said[:10]) == ("template", "is missing")
    for name, other in FORMATS.items():
        asked = Options(template='"x"', parameters=other.example.parameters)
        said = [one.said for one in other.refusals(other.example_url, asked) if one.field == "template"]
        assert said == ([] if name == "template" else [f'the format "{name}" has none; leave it out'])


def test_its_content_type_is_a_kind_of_json() -> None:
    asked = Options(template='"x"', parameters={"content_type": "application/vnd.example+json"})
    assert preview_body("template", asked, told()).headers["Content-Type"] == "application/vnd.example+json"
    wrong = Options(template='"x"', parameters={"content_type": "text/html\r\nX: y"})
    (refusal,) = FORMATS["template"].refusals("https://receiver.example/", wrong)
    assert refusal.field == "parameters.content_type"
