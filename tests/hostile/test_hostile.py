"""Hostile and broken input: a clear error for it, and the rest untouched."""

import os
from pathlib import Path

import pytest
from hostile.cases import CASES, Case, dump, page
from support.clock import ManualClock
from support.reading import open_source

from publisher.clock import to_micros
from publisher.model.base import xml_legal

GOOD = "Artikel lain yang utuh"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
async def test_it_comes_to_what_the_table_says_and_the_sound_article_beside_it_is_taken(
    case: Case, tmp_path: Path, clock: ManualClock
) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    good = ("zz-good.txt", dump(title=GOOD)) if case.profile == "kontan-text" else ("zz-good.html", page(title=GOOD))
    files = dict(case.files)
    if not case.options:
        files[good[0]] = good[1]
    at = to_micros(clock()) * 1000
    for number, (name, content) in enumerate(files.items()):
        path = folder / name
        path.write_bytes(content() if callable(content) else content)
        moment = at - (60 + number) * 1_000_000_000
        os.utime(path, ns=(moment, moment))
    source = open_source("folder", tmp_path, clock, profile=case.profile, path="inbox", **case.options)

    batch = await source.read({})

    taken = [one for one in batch.articles if one.origin != good[0]]
    assert tuple(one.article.body for one in taken) == case.bodies
    assert [one.article.title for one in batch.articles if one.origin == good[0]] == [GOOD] * (not case.options)
    if case.titles:
        assert tuple(one.article.title for one in taken) == case.titles
    told = sorted(f"{one.origin}: {one.field}: {one.message}" if one.field else f"{one.origin}: {one.message}"
                  for one in batch.problems)  # fmt: skip
    expected = sorted(case.told)
    assert len(told) == len(expected), told
    for line, start in zip(told, expected, strict=True):
        assert line.startswith(start)
    assert {one.symbol for one in batch.indicators} == {*case.symbols, *(() if case.options else ("LQ45",))}
    for one in batch.articles:
        written = one.article.model_dump_json()
        assert xml_legal(written) == written
        assert "script:" not in one.article.body.lower()


def test_each_case_has_its_own_name_and_says_what_must_come_of_it() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.told or case.bodies for case in CASES)
