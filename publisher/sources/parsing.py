"""The jobs of the process that parses documents: each makes of bytes what a kind of source takes from them.

A job sees nothing but the document and its options. It makes the same reader that the service has, without a way to
request anything. Every kind that has a :meth:`~publisher.sources.base.Source.parse` has a job of its name; ``page`` is
a document that a profile describes, or its own markup, for whichever kind met it; ``pushed`` and ``batch`` are the
API's.
"""

from __future__ import annotations

import contextlib
import encodings
import pkgutil
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from publisher.errors import FetchError, PublisherError, ReadError
from publisher.isolation import Job
from publisher.locale import NAMED, known_locale, known_zone, parse_datetime, parse_decimal
from publisher.model import IndicatorSpec
from publisher.model.uri import ascii_host
from publisher.sources.base import Document, Source, SourceContext
from publisher.sources.json.batch import ENTRY, not_a_batch, read_entries, read_one
from publisher.sources.json.pushed import load_json
from publisher.sources.kinds import KINDS
from publisher.sources.kinds.page import read_document
from publisher.sources.parsed import Parsed, written
from publisher.sources.profiles.profile import profile_of

_KEPT: list[object] = []
# So that everything is loaded which is loaded when it is first needed; the kinds have samples of their own.
_PAGE = b"<!doctype html><html lang=en><title>T</title><article><h1>Title</h1><p>Some text of no weight.</article>"
_ARTICLE = b'{"title": "T", "body": "<p>x"}'


def _own(kind: type[Source], body: bytes, given: Mapping[str, Any]) -> Iterator[bytes]:
    source = kind(given.get("name", "source"), kind.Options.model_validate(given["options"]), _context(given))
    return written(source.parse(_document(body, given)))


def _page(body: bytes, given: Mapping[str, Any]) -> Iterator[bytes]:
    reading = read_document(
        _document(body, given),
        _context(given),
        given["origin"],
        fetched=given["fetched"],
        locale=given.get("locale", "en"),
    )
    rest = {"fields": reading.fields, "origins": reading.origins}
    return written(Parsed([], reading.indicators, reading.problems, rest))


def _pushed(body: bytes, given: Mapping[str, Any]) -> Iterator[bytes]:
    article, problems = read_one(load_json(body), given["id"], origin=given["origin"], language=given["language"])
    return written(Parsed([article] if article else [], [], problems))


def _batch(body: bytes, given: Mapping[str, Any]) -> Iterator[bytes]:
    payload = load_json(body)
    if said := not_a_batch(payload, given["most"]):
        raise ReadError(said)
    return map(ENTRY.dump_json, read_entries(payload, origin=given["origin"], language=given["language"]))


def own_jobs(kinds: Mapping[str, type[Source]]) -> dict[str, Job]:
    """The jobs of kinds that parse documents of their own, by the names of the kinds."""
    return {name: partial(_own, kind) for name, kind in kinds.items() if kind.parse is not Source.parse}


JOBS: dict[str, Job] = {
    **own_jobs(KINDS),
    "page": _page,
    "pushed": _pushed,
    "batch": _batch,
}


def prepare(needs: Sequence[str]) -> None:
    """Load everything that a job may come to need: afterwards no file can be opened."""
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(Exception):  # some are those of other systems
            import_module(f"encodings.{module.name}")
    locales = {"en", *(need.partition(":")[2] for need in needs if need.startswith("locale:"))}
    zones = {"UTC", *(need.partition(":")[2] for need in needs if need.startswith("zone:"))}
    for zone in zones | NAMED:
        with contextlib.suppress(PublisherError):
            _KEPT.append(known_zone(zone))
    for locale in locales:
        with contextlib.suppress(PublisherError):
            _KEPT.append(known_locale(locale))
            parse_decimal("1", locale)
            for zone in zones:
                with contextlib.suppress(PublisherError):
                    parse_datetime("2024-01-13 10:00 XYZ", locale, zone)
    import_module("_strptime")  # which datetime.strptime loads at its first call
    for reader in ("html.profiled", "html.unprofiled.page", "text.dump"):
        import_module(f"publisher.sources.{reader}")
    import_module("publisher.sources.forms.places")  # which bylines ask only where a name may be that of a place
    ascii_host("é.example")  # its tables are loaded by the first name of other letters
    _rehearse({need.removeprefix("job:") for need in needs})


def _rehearse(needs: Set[str]) -> None:
    now = "2024-01-01T00:00:00Z"
    given = {"url": "https://a.example/", "language": "en", "timezone": "UTC", "content_type": "", "now": now}
    jobs: list[tuple[str, bytes, Mapping[str, Any]]] = [
        ("pushed", _ARTICLE, given | {"id": "1", "origin": "x"}),
        # Where no profile is at hand, a large library may be asked to guess.
        *([("page", _PAGE, given | {"origin": "x", "fetched": True})] if "extract" in needs else ()),
    ]
    for name, kind in KINDS.items():
        jobs += [(name, body, given | {"options": options}) for body, options in kind.samples if name in needs]
    for job, body, options in jobs:
        with contextlib.suppress(PublisherError):
            list(JOBS[job](body, options))


def _document(body: bytes, given: Mapping[str, Any]) -> Document:
    return Document(body, given["url"], {"content-type": given["content_type"]})


def _context(given: Mapping[str, Any]) -> SourceContext:
    now = datetime.fromisoformat(given["now"])
    profile = given.get("profile")
    return SourceContext(
        home=Path("/"),
        profile=None if profile is None else profile_of(orjson.dumps(profile)),
        http=_Nobody(),
        timezone=given["timezone"],
        assumed=given.get("assumed", True),
        language=given["language"],
        indicators={one["symbol"]: IndicatorSpec.model_validate(one) for one in given.get("indicators", ())},
        now=lambda: now,
    )


class _Nobody:
    """Answers no request."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None, limit: int = 0) -> Any:
        raise FetchError("nothing can be fetched here")
