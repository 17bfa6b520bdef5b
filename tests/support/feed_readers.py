"""Feed readers of other makers, each as its users run it, over a folder where it remembers what it has seen.

``read(url)`` is one round: fetch, and return what the reader then knows of, as entry id → title. ``None`` is a reader
that was answered "not modified" and says so.
"""

from __future__ import annotations

import asyncio
import json
import mailbox
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any, ClassVar

import feedparser
from reader import make_reader

from support.clients import node

Listing = dict[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader makes of one entry: the author or authors that it names, and the files that it offers."""

    byline: str
    files: frozenset[str]


class FeedReader(ABC):
    """One reader.

    ``formats`` are those it reads. ``keeps`` says that it shows what it once got for as long as the user likes;
    ``rewrites``, that an edit shows up there. ``revalidates`` is the round that asks with a validator at the latest.
    ``names_all``, ``pictures`` and ``recordings`` are the formats in which it names every author, and offers them.
    """

    formats: ClassVar[tuple[str, ...]] = ("rss", "atom")
    program: ClassVar[str | None] = None
    keeps: ClassVar[bool] = False
    rewrites: ClassVar[bool] = True
    revalidates: ClassVar[int | None] = 2
    unpacks: ClassVar[bool] = True
    names_all: ClassVar[tuple[str, ...]] = ("rss",)
    pictures: ClassVar[tuple[str, ...]] = ("rss", "atom")
    recordings: ClassVar[tuple[str, ...]] = ("rss", "atom")

    def __init__(self, folder: Path, program: Callable[[str], str]) -> None:
        folder.mkdir()
        self.folder = folder
        self.path = program(self.program) if self.program else ""

    @abstractmethod
    async def read(self, url: str) -> Listing | None:
        """One round."""

    @abstractmethod
    async def shown(self, url: str) -> dict[str, Shown]:
        """One round, and what there is to see of each entry by its id."""

    async def _run(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            self.path, *arguments,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()


class Newsboat(FeedReader):
    program = "newsboat"
    keeps = True
    revalidates = 3
    names_all = ("rss", "atom")
    pictures = ()  # it plays what it offers

    async def read(self, url: str) -> Listing:
        urls, cache = self.folder / "urls", self.folder / "cache.db"
        urls.write_text(f"{url}\n")
        await self._run("-u", str(urls), "-c", str(cache), "-x", "reload")
        with closing(sqlite3.connect(cache)) as database:
            return dict(database.execute("SELECT guid, title FROM rss_item").fetchall())

    async def shown(self, url: str) -> dict[str, Shown]:
        await self.read(url)
        with closing(sqlite3.connect(self.folder / "cache.db")) as database:
            rows = database.execute("SELECT guid, author, enclosure_url FROM rss_item").fetchall()
        return {guid: Shown(author, frozenset({file} - {""})) for guid, author, file in rows}


class Rss2Email(FeedReader):
    """One mail for each entry, once."""

    program = "r2e"
    keeps = True
    rewrites = False

    async def read(self, url: str) -> Listing:
        sent = await self._mails(url)
        listing = {str(mail["X-RSS-ID"]): str(make_header(decode_header(str(mail["Subject"])))) for mail in sent}
        assert len(listing) == len(sent), "an entry was mailed twice"
        return listing

    async def shown(self, url: str) -> dict[str, Shown]:
        return {
            str(mail["X-RSS-ID"]): Shown(str(make_header(decode_header(str(mail["From"])))), frozenset(_enclosed(mail)))
            for mail in await self._mails(url)
        }

    async def _mails(self, url: str) -> list[Message]:
        config, mails = self.folder / "config", self.folder / "mail"
        for name in ("cur", "new", "tmp"):
            (mails / "inbox" / name).mkdir(parents=True, exist_ok=True)
        config.write_text(
            "[DEFAULT]\nfrom = feeds@localhost\nname-format = {author}\nto = reader@localhost\n"
            "email-protocol = maildir\n"
            f"maildir-path = {mails}\nmaildir-mailbox = inbox\n[feed.news]\nurl = {url}\n"
        )
        await self._run("-c", str(config), "-d", str(self.folder / "seen.json"), "run")
        with closing(mailbox.Maildir(mails / "inbox")) as inbox:
            return list(inbox)


def _enclosed(mail: Message) -> list[str]:
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    return [line.partition(": ")[2] for line in body.decode().splitlines() if line.startswith("Enclosure: ")]


class Reader(FeedReader):
    """PyPI ``reader``."""

    formats = ("rss", "atom", "json")
    keeps = True
    recordings = ("rss", "atom", "json")
    names_all = ("rss", "json")

    async def read(self, url: str) -> Listing:
        return {entry.id: entry.title or "" for entry in await asyncio.to_thread(self._read, url)}

    async def shown(self, url: str) -> dict[str, Shown]:
        entries = await asyncio.to_thread(self._read, url)
        return {
            entry.id: Shown(entry.authors_str or "", frozenset(one.href for one in entry.enclosures))
            for entry in entries
        }

    def _read(self, url: str) -> list[Any]:
        with closing(make_reader(str(self.folder / "reader.db"))) as reader:
            reader.add_feed(url, exist_ok=True)
            reader.update_feed(url)
            return list(reader.get_entries())


class Feedparser(FeedReader):
    """PyPI ``feedparser``; its caller keeps the entity tag."""

    etag: str | None = None

    async def read(self, url: str) -> Listing | None:
        parsed = await asyncio.to_thread(feedparser.parse, url, etag=self.etag)
        if parsed.status == 304:
            return None
        assert not parsed.bozo, parsed.bozo_exception
        self.etag = parsed.etag
        return {entry.id: entry.title for entry in parsed.entries}

    async def shown(self, url: str) -> dict[str, Shown]:
        parsed = await asyncio.to_thread(feedparser.parse, url)
        return {
            entry.id: Shown(entry.get("author", ""), frozenset(one.href for one in entry.enclosures))
            for entry in parsed.entries
        }


class _Npm(FeedReader):
    client: ClassVar[str]
    etag: str | None = None

    async def read(self, url: str) -> Listing | None:
        seen = await self._seen(url, *([self.etag] if self.etag else []))
        self.etag = seen["etag"]
        return None if seen["items"] is None else {item["id"]: item["title"] for item in seen["items"]}

    async def shown(self, url: str) -> dict[str, Shown]:
        items = (await self._seen(url))["items"]
        return {item["id"]: Shown(item["byline"], frozenset(item["files"])) for item in items}

    async def _seen(self, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            await asyncio.to_thread(node, "feeds.mjs", self.client, *arguments, stdin=b"")
        )
        return answer


class Feedsmith(_Npm):
    """npm ``feedsmith``, with node's own ``fetch``."""

    client = "feedsmith"
    formats = pictures = recordings = names_all = ("rss", "atom", "json")


class RssParser(_Npm):
    """npm ``rss-parser``, which fetches by itself: without conditions, and without gzip."""

    client = "rss-parser"
    pictures = recordings = ("rss",)
    revalidates = None
    unpacks = False


FEED_READERS: tuple[type[FeedReader], ...] = (Newsboat, Rss2Email, Reader, Feedparser, Feedsmith, RssParser)
