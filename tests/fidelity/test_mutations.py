"""No mutation of the page comes out wrong without a word: every value is right, or a problem stands beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fidelity.mutations import HTML, ROWS, TEXT, TRUTH, Mutation, mutations
from selectolax.lexbor import LexborHTMLParser

from publisher.clock import rfc3339
from publisher.errors import ReadError
from publisher.sources.documents.dom import text_of
from publisher.sources.html.profiled import read_html
from publisher.sources.profiles.profile import HtmlProfile, TextProfile, load_profile
from publisher.sources.reading.draft import Reading
from publisher.sources.text.dump import read_text

NOW = datetime(2024, 2, 10, 3, tzinfo=UTC)
ALL = mutations()


def read(kind: str, body: bytes) -> Reading:
    profile = load_profile("kontan-text" if kind == "text" else "kontan", Path("/nowhere"))
    if isinstance(profile, TextProfile):
        return read_text(body, profile, origin="x", now=NOW)
    assert isinstance(profile, HtmlProfile)
    return read_html(body, profile, origin="x", now=NOW)


def values(fields: dict[str, Any]) -> dict[str, Any]:
    """The values that the truth is told of, in its form."""
    nodes = LexborHTMLParser(fields["body"]).css("p, h2, h3, h4, li")
    moment = fields.get("published")
    return {
        "title": fields["title"],
        "published": rfc3339(moment) if moment else None,
        "authors": list(fields.get("authors") or []),
        "editor": fields.get("editor"),
        "agency": fields.get("agency"),
        "dateline": fields.get("dateline"),
        "captions": [(one.caption, one.credit) for one in fields.get("images") or []],
        "related": [one.title for one in fields.get("related") or []],
        "body": [text_of(node) for node in nodes],
    }


def silent(reading: Reading, mutation: Mutation) -> Iterator[str]:
    """What is wrong, and nothing told of it."""
    told = {problem.field for problem in reading.problems}
    if reading.fields is None:
        if not any(one.severity == "error" and one.field in ("title", "body") for one in reading.problems):
            yield "the article is gone"
    else:
        names = {"captions": "images"}
        right = TRUTH | mutation.right
        for name, value in values(reading.fields).items():
            if value != right[name] and names.get(name, name) not in told and not tells_of(reading, right[name]):
                yield f"{name}: {value!r} for {right[name]!r}"
    yield from silent_rows(reading, mutation)


def tells_of(reading: Reading, right: Any) -> bool:
    """Whether a problem shows the value that is missing, or says that the document is cut off."""
    missing = right if isinstance(right, list) else [right]
    shown = " ".join(one.text or "" for one in reading.problems)
    cut_off = any("cut off" in one.message for one in reading.problems)
    return cut_off or any(isinstance(one, str) and one in shown for one in missing)


def silent_rows(reading: Reading, mutation: Mutation) -> Iterator[str]:
    problems = [one for one in reading.problems if (one.field or "").startswith("ticker")]
    general = any(one.field == "ticker" and one.text is None for one in problems)
    found = {one.symbol: tuple(map(str, (one.value, one.change, one.percent))) for one in reading.indicators}
    for symbol in found.keys() | mutation.rows.keys():
        if found.get(symbol) == mutation.rows.get(symbol) or general:
            continue
        if not any(one.field == f"ticker {symbol}" or symbol in (one.text or "") for one in problems):
            yield f"{symbol}: {found.get(symbol)} for {mutation.rows.get(symbol)}"


@pytest.mark.parametrize("kind", ["text", "html"])
def test_the_page_itself_is_read_right_and_nothing_is_told(kind: str) -> None:
    body = (TEXT if kind == "text" else HTML).encode()
    reading = read(kind, body)
    assert reading.problems == []
    assert reading.fields is not None
    assert values(reading.fields) == TRUTH
    assert list(silent_rows(reading, Mutation("", kind, body))) == []
    assert len(reading.indicators) == len(ROWS)


@pytest.mark.parametrize("mutation", ALL, ids=lambda one: one.name)
def test_no_mutation_is_silently_wrong(mutation: Mutation) -> None:
    try:
        reading = read(mutation.kind, mutation.body)
    except ReadError:
        return  # the whole document is refused, which is told
    assert list(silent(reading, mutation)) == []


def test_the_mutations_are_many_and_each_changes_something_of_its_own() -> None:
    assert len(ALL) >= 150
    assert len({one.name for one in ALL}) == len(ALL)
    assert (
        len({(one.kind, one.body) for one in ALL} | {("text", TEXT.encode()), ("html", HTML.encode())}) == len(ALL) + 2
    )
