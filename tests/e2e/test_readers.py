"""What readers of other makers make of the feeds over real HTTP: of what is new, edited, withdrawn, or as it was."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree
from support.feed_readers import FEED_READERS, FeedReader, Newsboat
from support.recording import Recording, recording
from support.service import Service, api_client, key_of, migrated, serving, write_installation

from publisher.model import Role

pytestmark = pytest.mark.asyncio(loop_scope="module")

TITLES = ("Ekspor kopi naik & petani tersenyum", "Pelabuhan <baru> mulai beroperasi", "Panen raya: 12% di atas target")
EDITED = "Pelabuhan baru ditunda"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"

PAIRS = [(maker, format) for maker in FEED_READERS for format in maker.formats]
REVALIDATING = [pair for pair in PAIRS if pair[0].revalidates]
UNPACKING = [pair for pair in PAIRS if pair[0].unpacks]
NAMING_ALL = [(maker, format) for maker, format in PAIRS if format in maker.names_all]

PICTURE = "https://foto.example.id/kopi[1].jpg"
PICTURED = "https://foto.example.id/kopi%5B1%5D.jpg"
RECORDING = "https://suara.example.id/pagi.mp3"


@dataclass
class Desk:
    """A newsroom with a feed of its own at the service that the tests of this file share."""

    client: aiohttp.ClientSession
    api: str
    feed: str
    through: Recording

    def url(self, format: str) -> str:
        """Where readers find the feed: at the recording proxy."""
        return f"{self.through.url}/feeds/{self.feed}.{format}"

    async def push(self, number: int, title: str, **fields: Any) -> None:
        """Publish or change article ``number``."""
        article = {
            "title": title,
            "body": f"<p>{'Isi berita. ' * 20}</p>",
            "published": f"2024-05-2{number}T03:00:00Z",
            "topics": [self.feed],
            **fields,
        }
        async with self.client.put(f"{self.api}/articles/{self.feed}-{number}", json=article) as answer:
            assert answer.status in (200, 201), await answer.text()

    async def publish(self) -> None:
        """Publish the three articles."""
        for number, title in enumerate(TITLES):
            await self.push(number, title)

    async def withdraw(self, number: int) -> None:
        """Withdraw article ``number``."""
        async with self.client.delete(f"{self.api}/articles/{self.feed}-{number}") as answer:
            assert answer.status == 200, await answer.text()


FEEDS = [f"meja-{number}" for number in range(len(PAIRS) * 6 + 1)]
"""One for each test of this file."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    selections = {
        f"feeds/{name}.toml": f'title = "{name}"\nitems = "articles"\n[select]\ntopics = ["{name}"]\n' for name in FEEDS
    }
    async with serving(migrated(write_installation(tmp_path_factory.mktemp("home"), selections))) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(service: Service) -> AsyncIterator[aiohttp.ClientSession]:
    key = await key_of(service.home, Role.EDITOR)
    async with api_client(key) as client:
        yield client


@pytest.fixture(scope="module")
def feeds() -> Callable[[], str]:
    return map(str, FEEDS).__next__


@pytest_asyncio.fixture(loop_scope="module")
async def desk(service: Service, editor: aiohttp.ClientSession, feeds: Callable[[], str]) -> AsyncIterator[Desk]:
    async with recording(service.url) as through:
        desk = Desk(editor, f"{service.url}/api/v1", feeds(), through)
        await desk.publish()
        yield desk


@pytest.fixture
def start(tmp_path: Path, program: Callable[[str], str]) -> Callable[[type[FeedReader]], FeedReader]:
    """Starts a reader that has seen nothing yet."""
    numbers = itertools.count()
    return lambda maker: maker(tmp_path / f"reader-{next(numbers)}", program)


Start = Callable[[type[FeedReader]], FeedReader]


@pytest.mark.parametrize(("maker", "format"), PAIRS)
async def test_a_reader_lists_every_item_and_an_edit_as_the_same_item(
    maker: type[FeedReader], format: str, desk: Desk, start: Start
) -> None:
    reader = start(maker)
    before = await reader.read(desk.url(format))
    assert before is not None
    assert set(before.values()) == set(TITLES)
    assert maker.keeps or list(before.values()) == [TITLES[2], TITLES[1], TITLES[0]]
    assert all(id.startswith("tag:") for id in before)

    await desk.push(1, EDITED)
    after = await reader.read(desk.url(format))
    assert after is not None
    edited = EDITED if maker.rewrites else TITLES[1]
    assert after == {id: edited if title == TITLES[1] else title for id, title in before.items()}


@pytest.mark.parametrize(("maker", "format"), PAIRS)
async def test_what_is_withdrawn_is_gone_from_the_document_and_leaves_the_rest(
    maker: type[FeedReader], format: str, desk: Desk, start: Start
) -> None:
    reader = start(maker)
    before = await reader.read(desk.url(format))
    assert before is not None
    await desk.withdraw(0)
    rest = {id: title for id, title in before.items() if title != TITLES[0]}
    assert await reader.read(desk.url(format)) == (before if maker.keeps else rest)
    assert await start(maker).read(desk.url(format)) == rest
    if format == "atom":
        [gone] = etree.fromstring(desk.through.last.document).iter(TOMBSTONE)
        assert {gone.attrib["ref"]} == before.keys() - rest.keys()


@pytest.mark.parametrize(("maker", "format"), REVALIDATING)
async def test_a_reader_that_has_the_newest_document_is_told_so_until_it_changes(
    maker: type[FeedReader], format: str, desk: Desk, start: Start
) -> None:
    reader = start(maker)
    first = await reader.read(desk.url(format))
    assert maker.revalidates
    for _ in range(maker.revalidates - 1):
        again = await reader.read(desk.url(format))
    assert again in (first, None)
    first_time, last_time = desk.through.exchanges[0], desk.through.last
    assert (first_time.status, last_time.status) == (200, 304)
    assert last_time.asked["if-none-match"] == first_time.answered["etag"] == last_time.answered["etag"]
    assert last_time.body == b""

    await desk.push(3, "Kabar keempat")
    newest = await reader.read(desk.url(format))
    assert newest is not None
    assert "Kabar keempat" in newest.values()


@pytest.mark.parametrize(("maker", "format"), UNPACKING)
async def test_a_reader_asks_for_gzip_and_reads_it(
    maker: type[FeedReader], format: str, desk: Desk, start: Start
) -> None:
    listed = await start(maker).read(desk.url(format))
    assert listed is not None
    assert set(listed.values()) == set(TITLES)
    assert desk.through.last.packed
    assert len(desk.through.last.body) < len(desk.through.last.document)


@pytest.mark.parametrize(("maker", "format"), NAMING_ALL)
async def test_a_reader_names_every_author(maker: type[FeedReader], format: str, desk: Desk, start: Start) -> None:
    await desk.push(1, EDITED, authors=["Siti Aminah", "Budi Santoso"])
    await desk.push(2, TITLES[2], authors=["Rani Wulandari"])
    bylines = {one.byline for one in (await start(maker).shown(desk.url(format))).values()}
    assert any("Siti Aminah" in byline and "Budi Santoso" in byline for byline in bylines)
    assert any("Rani Wulandari" in byline and "Siti" not in byline for byline in bylines)


@pytest.mark.parametrize(("maker", "format"), PAIRS)
async def test_a_reader_offers_the_recording_else_the_lead_picture_of_an_entry(
    maker: type[FeedReader], format: str, desk: Desk, start: Start
) -> None:
    pictures = [{"url": PICTURE}, {"url": "https://foto.example.id/lain.jpg"}]
    await desk.push(1, EDITED, images=pictures)
    await desk.push(2, TITLES[2], images=pictures, attachments=[{"url": RECORDING, "type": "audio/mpeg"}])
    shown = {id.rpartition("-")[2]: one.files for id, one in (await start(maker).shown(desk.url(format))).items()}
    assert not shown["0"]
    assert (PICTURED in shown["1"]) == (format in maker.pictures)
    assert (RECORDING in shown["2"]) == (format in maker.recordings)


async def test_newsboat_that_reads_two_formats_shows_each_item_once(desk: Desk, start: Start) -> None:
    reader = start(Newsboat)
    await reader.read(desk.url("rss"))
    both = await reader.read(desk.url("atom"))
    assert both is not None
    assert sorted(both.values()) == sorted(TITLES)
