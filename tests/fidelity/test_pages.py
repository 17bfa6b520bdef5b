"""Pages of many builds are read without a profile, and nothing of them is published wrong without a word."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from statistics import mean

import pytest
from support.builds import PAGES, Build, Verdict, builds, verdict
from support.clock import ManualClock
from support.reading import Answer, Server, open_source

ALL = builds()
EXTRA = pytest.mark.parametrize("extra", [True, False], ids=["with-extra", "without"])
"""Whether trafilatura is installed."""

EACH = pytest.mark.parametrize("build", ALL, ids=lambda build: build.name)

KNOWN = ("url", "title", "authors", "published", "updated", "language")
"""What is one and the same wherever a page states it; a picture may be another."""

_JSON_LD = re.compile(rb"<script[^>]*application/ld\+json.*?</script>", re.DOTALL)
_LANG = re.compile(rb'(?<=<html)([^>]*?) lang="[^"]*"')

_READ: dict[tuple[str, bool], Verdict] = {}


async def read(build: Build, extra: bool) -> Verdict:
    """What is to be said of that page as a source of the kind ``page`` reads it; each is read once."""
    key = build.name, extra
    if key not in _READ:
        _READ[key] = await _read(build, extra=extra)
    return _READ[key]


async def _read(build: Build, *, extra: bool) -> Verdict:
    truth = build.truth
    kind = truth.get("content_type", "text/html; charset=utf-8")
    server = Server(Answer(build.page, headers={"Content-Type": kind}))
    options = {"url": truth["fetched"], **truth.get("options", {})}
    with pytest.MonkeyPatch.context() as patched:
        if not extra:
            patched.setitem(sys.modules, "trafilatura", None)
        batch = await open_source("page", PAGES, ManualClock(), http=server, **options).read({})
    one = next(iter(batch.articles), None)
    return verdict(build, one and one.article, one.origins if one else {}, batch.problems)


def share(found: list[Verdict], name: str) -> float:
    """The part of the pages on which that field is right."""
    return mean(one.right.get(name, False) for one in found)


@EXTRA
@EACH
async def test_a_value_is_true_or_absent_or_told(build: Build, extra: bool) -> None:
    assert (await read(build, extra)).silent == []


@EXTRA
@EACH
async def test_the_text_is_all_of_the_article_and_nothing_else(build: Build, extra: bool) -> None:
    found = await read(build, extra)
    assert found.body == []
    assert found.f1 >= 0.95


@EXTRA
@EACH
async def test_no_warning_stands_on_a_value_that_the_page_makes_plain(build: Build, extra: bool) -> None:
    assert (await read(build, extra)).noise == []


@EACH
@pytest.mark.parametrize("left_out", [_JSON_LD, _LANG], ids=["JSON-LD", "lang"])
async def test_what_a_page_does_not_say_is_not_taken_from_elsewhere_without_a_word(
    build: Build, left_out: re.Pattern[bytes]
) -> None:
    found = await _read(replace(build, page=left_out.sub(b"", build.page)), extra=False)
    contested = build.truth.get("told", ())
    said = [one for one in found.silent if one.startswith(KNOWN) and not one.startswith(tuple(contested))]
    assert said == []


@EXTRA
async def test_nearly_all_is_right_and_nothing_wrong_without_a_word(extra: bool) -> None:
    found = [await read(build, extra) for build in ALL]
    assert len(found) >= 40
    assert share(found, "title") >= 0.95
    assert mean(one.f1 for one in found) >= 0.97
    assert share(found, "published") >= 0.97
    assert share(found, "authors") >= 0.9
    assert [one.silent for one in found if one.silent] == []
