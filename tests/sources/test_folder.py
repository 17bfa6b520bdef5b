"""The kind ``folder``."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError
from support.clock import ManualClock
from support.reading import open_source

from publisher.app.installation import DOCUMENT_JOBS
from publisher.clock import to_micros
from publisher.errors import FetchError
from publisher.isolation import Isolated
from publisher.model import identity_id
from publisher.sources.base import Source
from publisher.sources.kinds.folder import FolderOptions

PAGE = (
    '<html><head>{head}</head><body><h1 class="detail-desk">{title}</h1>'
    '<div class="tmpt-desk-kon"><p>{text}</p></div></body></html>'
)


def page(title: str = "Judul", text: str = "Isi berita.", url: str | None = None) -> str:
    head = f'<link rel="canonical" href="{url}">' if url else ""
    return PAGE.format(head=head, title=title, text=text)


class Inbox:
    """A folder whose files were last written at the clock's time."""

    def __init__(self, home: Path, clock: ManualClock) -> None:
        self.folder = home / "inbox"
        self.folder.mkdir()
        self.clock = clock

    def put(self, name: str, text: str | bytes, *, age: float = 60) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        at = to_micros(self.clock()) * 1000 - int(age * 1_000_000_000)
        os.utime(path, ns=(at, at))
        return path


@pytest.fixture
def inbox(tmp_path: Path, clock: ManualClock) -> Inbox:
    return Inbox(tmp_path, clock)


async def test_an_unchanged_file_is_not_read_again(inbox: Inbox, tmp_path: Path, clock: ManualClock) -> None:
    inbox.put("a.html", page())
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    first = await source.read({})
    second = await source.read(orjson.loads(orjson.dumps(first.bookmark)))
    assert [one.article.title for one in first.articles] == ["Judul"]
    assert (second.articles, second.problems) == ((), ())
    assert second.bookmark == first.bookmark


async def test_a_broken_file_is_not_read_again_and_what_is_wrong_with_it_still_stands(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    inbox.put("bad.html", "<html><h1 class='detail-desk'>T</h1></html>")
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    first = await source.read({})
    assert [str(one) for one in first.problems if one.severity == "error"] == [
        'bad.html: body: no body: the article is refused; "div.tmpt-desk-kon", "[itemprop=articleBody]" found nothing'
    ]
    second = await source.read(first.bookmark)
    assert (second.problems, second.unread) == ((), {"bad.html"})
    inbox.put("bad.html", page())
    third = await source.read(second.bookmark)
    assert third.unread == frozenset()


async def test_a_name_that_is_not_utf8_is_told_and_the_other_files_are_read(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    inbox.put("a.html", page())
    inbox.put(os.fsdecode(b"judul-\xff.html"), page("Lain"))
    batch = await open_source("folder", tmp_path, clock, profile="kontan", path="inbox").read({})
    assert [one.article.title for one in batch.articles] == ["Judul"]
    [problem] = [one for one in batch.problems if one.severity == "error"]
    assert (problem.origin, problem.field) == ("judul-\N{REPLACEMENT CHARACTER}.html", None)
    assert "not UTF-8" in problem.message
    orjson.dumps(batch.bookmark)


async def test_a_changed_file_is_read_again_and_is_the_same_article(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    inbox.put("a.html", page())
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    first = await source.read({})
    inbox.put("a.html", page("Judul baru"), age=30)
    second = await source.read(first.bookmark)
    assert [one.article.title for one in second.articles] == ["Judul baru"]
    assert second.articles[0].article.id == first.articles[0].article.id


async def test_a_file_that_still_grows_waits_for_the_next_look(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    inbox.put("a.html", page()[:40], age=0.1)

    async def grows(seconds: float) -> None:
        assert seconds == 0.5
        inbox.put("a.html", page(), age=0.1)

    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox", pause=grows)
    first = await source.read({})
    clock.advance(1)
    second = await source.read(first.bookmark)
    assert (first.articles, first.problems) == ((), ())
    assert [one.article.title for one in second.articles] == ["Judul"]


async def test_a_file_written_just_now_is_read_once_its_size_stood_still(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    inbox.put("a.html", page(), age=0.1)
    waits: list[float] = []

    async def waited(seconds: float) -> None:
        waits.append(seconds)

    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox", pause=waited)
    batch = await source.read({})
    assert (len(batch.articles), waits) == (1, [0.5])


async def test_a_file_from_the_future_is_read_too(inbox: Inbox, tmp_path: Path, clock: ManualClock) -> None:
    inbox.put("a.html", page(), age=-3600)
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    assert len((await source.read({})).articles) == 1


async def test_of_two_files_of_one_article_the_path_that_sorts_first_stands(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    url = "https://contoh.id/berita/1"
    inbox.put("b.html", page("Dari b", url=url + "?utm_source=x"))
    inbox.put("a.html", page("Dari a", url=url))
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    batch = await source.read({})
    assert [one.article.title for one in batch.articles] == ["Dari a"]
    [problem] = [one for one in batch.problems if one.severity == "error"]
    assert problem.origin == "b.html"
    assert "a.html" in problem.message
    again = await source.read(batch.bookmark)
    assert (again.articles, again.problems) == ((), ())


async def test_the_file_that_stood_back_is_read_when_the_other_is_gone(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    url = "https://contoh.id/berita/1"
    first_file = inbox.put("a.html", page("Dari a", url=url))
    inbox.put("b.html", page("Dari b", url=url))
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    batch = await source.read({})
    first_file.unlink()
    after = await source.read(orjson.loads(orjson.dumps(batch.bookmark)))
    assert [one.article.title for one in after.articles] == ["Dari b"]
    assert list(after.bookmark["files"]) == ["b.html"]


async def test_a_file_that_arrives_later_and_sorts_first_takes_over(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    url = "https://contoh.id/berita/1"
    inbox.put("b.html", page("Dari b", url=url))
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    batch = await source.read({})
    inbox.put("a.html", page("Dari a", url=url))
    after = await source.read(batch.bookmark)
    assert [one.article.title for one in after.articles] == ["Dari a"]
    assert [one.origin for one in after.problems if one.severity == "error"] == ["b.html"]


async def test_one_file_that_cannot_be_read_leaves_the_others_untouched(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    inbox.put("a.json", "{ no json")
    inbox.put("b.html", page())
    inbox.put("c.txt", "a dump, but the profile is for pages")
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    batch = await source.read({})
    errors = {one.origin: one.message for one in batch.problems if one.severity == "error"}
    assert len(batch.articles) == 1
    assert errors["a.json"].startswith("is no JSON")
    assert errors["c.txt"] == 'cannot be read with a profile of the kind "html"; give the source another'


async def test_a_link_that_leads_out_of_the_folder_is_refused(inbox: Inbox, tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "secret.html").write_text(page("Rahasia"))
    (inbox.folder / "a.html").symlink_to(tmp_path / "secret.html")
    (inbox.folder / "loop.html").symlink_to("loop.html")
    inbox.put("real.html", page("Terbuka"))
    (inbox.folder / "inside.html").symlink_to("real.html")
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    batch = await source.read({})
    errors = {one.origin: one.message for one in batch.problems if one.severity == "error"}
    assert errors.pop("a.html") == "is a link that leads out of the folder; it is not followed"
    assert list(errors) == ["loop.html"]
    assert {one.article.title for one in batch.articles} == {"Terbuka"}


async def test_what_is_no_regular_file_is_a_problem_and_never_opened(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    os.mkfifo(inbox.folder / "pipe.html")
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    assert [one.message for one in (await source.read({})).problems] == ["is no regular file"]


async def test_only_chosen_files_are_looked_at(inbox: Inbox, tmp_path: Path, clock: ManualClock) -> None:
    for name in ("a.html", "b.htm", ".hidden.html", "c.html.part", "d.exe", "below/e.html"):
        inbox.put(name, page(name))
    flat = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    deep = open_source("folder", tmp_path, clock, profile="kontan", path="inbox", recursive=True, pattern="*.html")
    assert sorted((await flat.read({})).bookmark["files"]) == ["a.html", "b.htm"]
    assert sorted((await deep.read({})).bookmark["files"]) == ["a.html", "below/e.html"]


async def test_an_article_is_known_by_its_url_or_by_its_path_as_the_source_says(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    url = "https://contoh.id/berita/1"
    inbox.put("a.html", page(url=url))
    for choice, identity in (("url", url), ("path", "desk/a.html")):
        source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox", identity=choice)
        [found] = (await source.read({})).articles
        assert (found.identity, found.article.id) == (identity, identity_id(identity))


async def test_an_article_in_json_keeps_the_id_it_has(inbox: Inbox, tmp_path: Path, clock: ManualClock) -> None:
    inbox.put("a.json", orjson.dumps([{"id": "n-1", "title": "Satu", "body": "<p>Isi</p>"}, {"title": "x"}, 5]))
    source = open_source("folder", tmp_path, clock, path="inbox", identity="id")
    batch = await source.read({})
    assert [one.article.id for one in batch.articles] == ["n-1"]
    told = [(one.field, one.severity) for one in batch.problems]
    assert told == [("[0].published", "warning"), ("[1].id", "error"), ("[2]", "error")]


@pytest.mark.parametrize(
    ("published", "taken"),
    [
        ("2099-12-31T09:00:00", False),
        ("2099-12-31 09:00", False),
        ("2099-12-31", False),
        ("2020-12-31T09:00:00", True),
        ("tomorrow", True),
    ],
)
async def test_an_article_in_json_that_may_have_to_wait_for_its_time_is_not_published_since_that_is_written_wrong(
    inbox: Inbox, tmp_path: Path, clock: ManualClock, published: str, taken: bool
) -> None:
    inbox.put("a.json", orjson.dumps([{"id": "n-1", "title": "Satu", "body": "<p>Isi</p>", "published": published}]))
    batch = await open_source("folder", tmp_path, clock, path="inbox").read({})
    assert [one.article.id for one in batch.articles] == (["n-1"] if taken else [])
    assert {(one.field, one.severity) for one in batch.problems} == {("[0].published", "error")}
    assert any("left out" in one.message for one in batch.problems) is not taken


async def test_articles_in_json_without_id_or_url_are_known_by_file_and_place(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    inbox.put("a.json", orjson.dumps([{"title": "Satu", "body": "Isi"}, {"title": "Dua", "body": "Isi"}]))
    inbox.put("b.json", orjson.dumps({"title": "Tiga", "body": "Isi", "url": "https://contoh.id/3"}))
    source = open_source("folder", tmp_path, clock, path="inbox")
    batch = await source.read({})
    assert [one.identity for one in batch.articles] == ["desk/a.json#0", "desk/a.json#1", "https://contoh.id/3"]


async def test_of_two_saved_pages_the_newer_tickers_value_is_taken(
    inbox: Inbox, tmp_path: Path, clock: ManualClock
) -> None:
    row = (
        '<ul class="list-indikator"><li><span class="nama">LQ45</span> <span class="nilai">{}</span>'
        ' <span class="naik">1,00 0,12%</span></li></ul>'
    )
    inbox.put("a.html", page() + row.format("817"), age=10)
    inbox.put("b.html", page("Lain") + row.format("816"), age=60)
    source = open_source("folder", tmp_path, clock, profile="kontan", path="inbox")
    assert [str(one.value) for one in (await source.read({})).indicators] == ["817"]


async def test_a_folder_that_is_not_there_is_a_failure_of_the_source(tmp_path: Path, clock: ManualClock) -> None:
    source = open_source("folder", tmp_path, clock, path="inbox")
    with pytest.raises(FetchError, match=r"the folder inbox cannot be read \(No such file or directory\)"):
        await source.read({})


def test_the_folder_is_what_is_watched(tmp_path: Path, clock: ManualClock) -> None:
    assert open_source("folder", tmp_path, clock, path="inbox").watch_path() == tmp_path / "inbox"


def test_an_unknown_key_of_a_folder_is_refused() -> None:
    with pytest.raises(ValidationError, match="glob"):
        FolderOptions.model_validate({"path": "inbox", "glob": "*"})


# --- what is no fault of a file

TESTS = Path(__file__).parents[1]
MODULES = {"no process": "support.no_such", "a fault of the reader": "support.faulty", "late": "support.slow"}


@pytest.fixture
async def through(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Callable[..., Source]]:
    """Opens the folder with the process of a module."""
    opened: list[Isolated] = []

    def make(module: str, **options: object) -> Source:
        source = open_source("folder", tmp_path, clock, path="inbox", **options)
        opened.append(Isolated(module, root=TESTS, deadline=0.5 if module == "support.slow" else 30.0))
        source.context = replace(source.context, runner=opened[-1])
        return source

    yield make
    for one in opened:
        await one.close()


@pytest.mark.parametrize("fault", MODULES)
async def test_a_file_that_was_not_read_for_no_fault_of_its_own_is_read_by_a_later_look(
    fault: str, inbox: Inbox, through: Callable[..., Source]
) -> None:
    inbox.put("a.html", page("Old"))
    first = await through(DOCUMENT_JOBS, profile="kontan").read({})
    inbox.put("a.html", page("New"), age=30)
    inbox.put("b.html", page("Other"))
    broken = await through(MODULES[fault], profile="kontan").read(first.bookmark)
    assert broken.bookmark == first.bookmark
    assert (broken.articles, broken.unread) == ((), {"a.html", "b.html"})
    assert {(one.origin, one.severity) for one in broken.problems} == {("a.html", "warning"), ("b.html", "warning")}
    then = await through(DOCUMENT_JOBS, profile="kontan").read(broken.bookmark)
    assert [one.article.title for one in then.articles] == ["New", "Other"]
    assert then.unread == frozenset()


async def test_a_file_that_is_too_much_is_refused_for_it_and_not_opened_again(
    inbox: Inbox, through: Callable[..., Source]
) -> None:
    inbox.put("a.html", page())
    source = through("support.slow", profile="kontan")
    source.context.runner._seconds, source.context.runner._deadline = 0, 30.0  # type: ignore[union-attr]
    first = await source.read({})
    assert [one.severity for one in first.problems] == ["error"]
    second = await source.read(first.bookmark)
    assert (second.problems, second.unread) == ((), {"a.html"})


async def test_such_a_file_is_left_alone_for_a_while_and_does_not_keep_others_waiting(
    inbox: Inbox, through: Callable[..., Source], clock: ManualClock
) -> None:
    for name in "abcde":
        inbox.put(f"{name}.json", b"{}")
    source = through("support.faulty")
    told = []
    for _ in range(3):
        batch = await source.read({})
        assert batch.unread == {f"{name}.json" for name in "abcde"}
        told.append([one.origin for one in batch.problems])
    assert told == [["a.json", "b.json", "c.json"], ["d.json", "e.json"], []]
    inbox.put("a.json", b"{ }", age=30)
    assert [one.origin for one in (await source.read({})).problems] == ["a.json"], "it was written anew"
    clock.advance(31)
    assert len((await source.read({})).problems) == 3


async def test_while_a_new_file_is_not_read_no_article_counts_as_missing(
    inbox: Inbox, through: Callable[..., Source]
) -> None:
    inbox.put("a.html", page(url="https://contoh.id/a"))
    first = await through(DOCUMENT_JOBS, profile="kontan", withdraw=True).read({})
    (inbox.folder / "a.html").rename(inbox.folder / "b.html")
    broken = await through("support.faulty", profile="kontan", withdraw=True).read(first.bookmark)
    assert first.listed is not None
    assert broken.listed is None
    then = await through(DOCUMENT_JOBS, profile="kontan", withdraw=True).read(broken.bookmark)
    assert then.listed == first.listed


async def test_a_file_that_stood_back_and_was_not_read_when_the_other_went_is_read_by_a_later_look(
    inbox: Inbox, through: Callable[..., Source]
) -> None:
    inbox.put("a.html", page("First", url="https://contoh.id/a"))
    inbox.put("b.html", page("Second", url="https://contoh.id/a"))
    bookmark = (await through(DOCUMENT_JOBS, profile="kontan").read({})).bookmark
    (inbox.folder / "a.html").unlink()
    bookmark = (await through("support.faulty", profile="kontan").read(bookmark)).bookmark
    then = await through(DOCUMENT_JOBS, profile="kontan").read(bookmark)
    assert [one.article.title for one in then.articles] == ["Second"]
