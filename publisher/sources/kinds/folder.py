"""The kind ``folder``: articles and tickers that are dropped as files, ``.html``, ``.txt`` or ``.json``."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from publisher.clock import from_micros
from publisher.errors import FetchError, ReadError, Unread
from publisher.locale import parse_datetime
from publisher.model import Indicator, identity_id
from publisher.model.base import Frozen
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.sources.base import PAGE_LIMIT, GoneAfter, HoldAbove, Limit, Response, Sample, Source, SourceContext
from publisher.sources.json.pushed import load_json, read_article_json
from publisher.sources.kinds.page import parse_document
from publisher.sources.parsed import Parsed
from publisher.sources.profiles.profile import HtmlProfile
from publisher.sources.reading.draft import observed
from publisher.sources.urls import canonical

SETTLED = timedelta(seconds=0.5)
"""How long a file's size must not have changed before it is read."""

REST = 30.0
"""Seconds after which a file that could not be read, for no fault of its own, is opened again; or more, if so told."""

MOST_FAILED = 3
"""So many such files in a row mean that no other would be read now."""

_HTML = (".html", ".htm")
_TEXT = (".txt",)


class FolderOptions(Frozen):
    """The keys of a folder. ``path`` is relative to the installation.

    ``identity``: what an article is known by. ``url``: its canonical URL, else its path (the default; a JSON article's
    own id comes first); ``path``: always its path in the folder; ``id``: the id that a JSON article must have.

    ``withdraw``: an article whose file was missing in ``gone_after`` looks in a row is withdrawn, but not where more
    than the share ``hold_above`` of all is missing at once. It is off by default: many empty an inbox when it has
    been read.
    """

    path: str
    pattern: str = "*"
    extensions: tuple[Literal[".html", ".htm", ".txt", ".json"], ...] = (".html", ".htm", ".txt", ".json")
    recursive: bool = False
    identity: Literal["url", "path", "id"] = "url"
    limit: Limit = PAGE_LIMIT
    withdraw: bool = False
    gone_after: GoneAfter = 2
    hold_above: HoldAbove = 0.3

    pace: ClassVar[frozenset[str]] = frozenset(("withdraw", "gone_after", "hold_above"))

    @field_validator("path")
    @classmethod
    def _given(cls, value: str) -> str:
        if not value.strip() or "\0" in value:
            raise ValueError("must name a folder")
        return value


@dataclass(frozen=True, slots=True)
class _File:
    """A file as one look found it; ``path`` is relative to the folder, with forward slashes."""

    path: str
    size: int
    mtime_ns: int


class FolderSource(Source):
    """Reads each file of a folder once, and again when its size or time of change is another.

    The bookmark keeps ``files``: path → size, mtime in nanoseconds, the ids of the articles in it, those of them that
    another file stands for, and where the file is broken, the ids that it had before.
    """

    kind: ClassVar[str] = "folder"
    origin: ClassVar[str] = "json"
    Options = FolderOptions
    options: FolderOptions
    samples: ClassVar[tuple[Sample, ...]] = ((b'{"title": "T", "body": "<p>x"}', {"path": "x"}),)

    def __init__(self, name: str, options: Any, context: SourceContext) -> None:
        super().__init__(name, options, context)
        self._resting: dict[str, tuple[_File, datetime, datetime]] = {}

    @property
    def _root(self) -> Path:
        return self.context.home / self.options.path

    def watch_path(self) -> Path | None:
        """The folder itself."""
        return self._root

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """New and changed files. Raises FetchError if the folder cannot be listed."""
        remembered: dict[str, list[Any]] = dict(bookmark.get("files", {}))
        files, problems = await asyncio.to_thread(self._look)
        changed = [one for one in files if remembered.get(one.path, [])[:2] != [one.size, one.mtime_ns]]
        settled = await self._settled(changed)
        standing = {one.path for one in files} | {one.origin for one in problems}
        known = {path: entry for path, entry in remembered.items() if path in standing}
        return await self._read_files(files, settled, known, problems)

    async def _settled(self, changed: list[_File]) -> set[str]:
        """The paths of those files whose size has stood still; those that were written just now are looked at twice."""
        now = self.context.now()
        still = {one.path for one in changed if timedelta(0) <= now - from_micros(one.mtime_ns // 1000) - SETTLED}
        fresh = {one.path: one for one in changed if one.path not in still}
        if fresh:
            await self.context.pause(SETTLED.total_seconds())
            again, _ = await asyncio.to_thread(self._look)
            still |= {one.path for one in again if fresh.get(one.path) == one}
        return still

    def _look(self) -> tuple[list[_File], list[Problem]]:
        """Every file that could be read, by path."""
        problems: list[Problem] = []
        try:
            root = self._root.resolve(strict=True)
            names = sorted(self._names(root, root))
        except OSError as error:
            reason = error.strerror or str(error)
            raise FetchError(
                f"the folder {self.options.path} cannot be read ({reason}); make it, or correct path"
            ) from error
        files = []
        for name in names:
            path = root / name
            if not _is_utf8(name):  # it could be neither an identity nor written down
                shown = os.fsencode(name).decode("utf-8", "replace")
                problems.append(Problem(shown, "has a name that is not UTF-8; give it another"))
                continue
            try:
                info = path.stat()
                if not path.resolve().is_relative_to(root):
                    problems.append(Problem(name, "is a link that leads out of the folder; it is not followed"))
                elif not stat.S_ISREG(info.st_mode):
                    problems.append(Problem(name, "is no regular file"))
                else:
                    files.append(_File(name, info.st_size, info.st_mtime_ns))
            except (OSError, RuntimeError) as error:
                if not isinstance(error, FileNotFoundError) or path.is_symlink():
                    problems.append(Problem(name, f"cannot be read: {getattr(error, 'strerror', None) or error}"))
        return files, problems

    def _names(self, folder: Path, root: Path) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if self.options.recursive:
                        yield from self._names(Path(entry.path), root)
                elif Path(entry.name).suffix.lower() in self.options.extensions and fnmatch(
                    entry.name, self.options.pattern
                ):
                    yield Path(entry.path).relative_to(root).as_posix()

    async def _read_files(
        self, files: list[_File], settled: set[str], known: dict[str, list[Any]], problems: list[Problem]
    ) -> Batch:
        """Parse what is settled, and what stood back for a file that is gone or holds another article now.

        What is not read for no fault of its own is remembered as it was, so that the next look reads it.
        """
        parsed: dict[str, Parsed] = {}
        left = self._still_resting(files)
        by_path = {one.path: one for one in files}
        waiting = sorted(((settled | _called_up(known)) & by_path.keys()) - left)
        failed = 0
        while waiting:
            for path in waiting:
                if failed == MOST_FAILED:
                    left.add(path)
                    continue
                try:
                    parsed[path] = await self._parse(by_path[path])
                except Unread as error:
                    failed += 1
                    left.add(path)
                    problems.append(self._unread(by_path[path], error))
                    continue
                failed = 0
                ids = list(dict.fromkeys(article.article.id for article in parsed[path].articles))
                lost = _lost(known.get(path), parsed[path])
                known[path] = [by_path[path].size, by_path[path].mtime_ns, ids, [], *([lost] if lost else [])]
            waiting = sorted((_called_up(known) & by_path.keys()) - parsed.keys() - left)
        batch = self._batch(parsed, known, problems, left)
        # A file that was never read may hold any article: as long as there is one, none is missing.
        listed = None if left - known.keys() else batch.listed
        return replace(batch, listed=listed, unread=frozenset(by_path.keys() - parsed.keys()))

    def _still_resting(self, files: Iterable[_File]) -> set[str]:
        """The files that are not opened again yet, since they could not be read a moment ago."""
        now = self.context.now()
        same = {one.path: one for one in files}
        self._resting = {
            path: (file, began, until)
            for path, (file, began, until) in self._resting.items()
            if same.get(path) == file and began <= now < until  # a clock that was put back ends it
        }
        return set(self._resting)

    def _unread(self, file: _File, error: Unread) -> Problem:
        now = self.context.now()
        self._resting[file.path] = file, now, now + timedelta(seconds=error.retry_after or REST)
        return Problem(file.path, f"{error}; it is read again", severity="warning")

    def _batch(
        self, parsed: dict[str, Parsed], known: dict[str, list[Any]], problems: list[Problem], left: Set[str]
    ) -> Batch:
        holders = _holders(known)
        for path, entry in known.items():
            if path not in left:  # it is called up again
                entry[3] = [one for one in entry[2] if holders[one] != path]
        articles: list[ObservedArticle] = []
        indicators: list[Indicator] = []
        for path, found in sorted(parsed.items()):
            problems.extend(found.problems)
            indicators.extend(found.indicators)
            for one in found.articles:
                if holders[one.article.id] == path:
                    articles.append(one)
        # Whichever of two files was read just now, the one that stands back is told of.
        for path, entry in sorted(known.items()):
            for one in entry[3]:
                if path in parsed or holders[one] in parsed:
                    message = f"is the same article as {holders[one]}, which stands; remove one of the two"
                    problems.append(Problem(path, message, text=one))
        # A ticker in each of many saved pages: the newest file's row is the newest observation.
        listed = frozenset(one for entry in known.values() for ids in (entry[2], *entry[4:]) for one in ids)
        return Batch(
            tuple(articles),
            _newest(parsed, known),
            tuple(problems),
            {"files": known},
            listed=listed if self.options.withdraw else None,
            gone_after=self.options.gone_after,
            hold_above=self.options.hold_above,
        )

    async def _parse(self, file: _File) -> Parsed:
        found = Parsed()
        try:
            body = await asyncio.to_thread(self._bytes, file)
            if not body.strip():
                raise ReadError("is empty")
            if file.path.lower().endswith(".json"):
                options = self.options.model_dump(mode="json")
                return await self.context.parse(
                    "folder", body, name=self.name, url=file.path, content_type="", options=options
                )
            await self._parse_document(file, body, found)
        except ReadError as error:
            found.problems.append(Problem(file.path, str(error)))
        except OSError as error:
            found.problems.append(Problem(file.path, f"cannot be read: {error.strerror or error}"))
        return found

    def _bytes(self, file: _File) -> bytes:
        if file.size > self.options.limit:
            raise ReadError(f"is too large: {file.size:,} bytes, the limit is {self.options.limit:,}")
        with (self._root / file.path).open("rb") as handle:
            body = handle.read(self.options.limit + 1)
        if len(body) > self.options.limit:
            raise ReadError(f"is too large: the limit is {self.options.limit:,} bytes")
        return body

    async def _parse_document(self, file: _File, body: bytes, found: Parsed) -> None:
        profile = self.context.profile
        suffix = Path(file.path).suffix.lower()
        if profile is None:
            raise ReadError("needs a profile; name one in the source, or give the article as JSON")
        if suffix not in (_HTML if isinstance(profile, HtmlProfile) else _TEXT):
            raise ReadError(f'cannot be read with a profile of the kind "{profile.kind}"; give the source another')
        reading = await parse_document(body, self.context, file.path, None)
        if self.options.identity == "id" and reading.fields is not None:
            raise ReadError('has no id; only JSON articles have, so set identity to "url" or "path"')
        url = (reading.fields or {}).get("url")
        identity = canonical(url) if url and self.options.identity == "url" else self._identity(file.path)
        article = observed(reading, identity_id(identity), identity)
        found.articles += [article] if article else []
        found.indicators += reading.indicators
        found.problems += reading.problems

    def parse(self, document: Response) -> Parsed:
        """The articles of one JSON file, whose path is the ``url``. Raises ReadError for what is no JSON."""
        found, path = Parsed(), document.url
        payload = load_json(document.body)
        listed = isinstance(payload, list)
        ids: set[str] = set()
        for number, one in enumerate(payload if listed else [payload]):
            identity = self._identity(f"{path}#{number}" if listed else path)
            article, problems = self._json_article(one, identity, path, f"[{number}]" if listed else "")
            found.problems += problems
            early = article and self._may_be_early(problems)
            if early:
                message = (
                    "as far as it can be read, it is still to come: the article is left out, and not published now"
                )
                found.problems.append(replace(early, message=message))
            elif article and article.article.id in ids:
                found.problems.append(Problem(path, "has the id of an article before it", field=f"[{number}]"))
            elif article:
                ids.add(article.article.id)
                found.articles.append(article)
        return found

    def _json_article(
        self, payload: object, by_path: str, origin: str, path: str
    ) -> tuple[ObservedArticle | None, list[Problem]]:
        chosen: str | None = by_path
        if isinstance(payload, dict):
            if self.options.identity == "path":
                payload = {key: value for key, value in payload.items() if key != "id"}
            elif self.options.identity == "id" or payload.get("id") is not None:
                if payload.get("id") is None:
                    return None, [Problem(origin, "is missing", field=f"{path}.id".removeprefix("."))]
            elif isinstance(payload.get("url"), str):
                chosen = None
        language = self.context.profile.language if self.context.profile else self.context.language
        found = read_article_json(payload, origin=origin, language=language, identity=chosen, path=path)
        if found[0] is None and chosen is None:  # an address that is none: known by its path
            return read_article_json(payload, origin=origin, language=language, identity=by_path, path=path)
        return found

    def _may_be_early(self, problems: Iterable[Problem]) -> Problem | None:
        """What is wrong with the published time of an article that may have to wait for it; None where nothing is."""
        for one in problems:
            if one.severity == "error" and one.text and (one.field or "").split(".")[-1] == "published":
                try:
                    read = parse_datetime(one.text, "en", self.context.timezone)
                except ReadError:
                    continue
                if read.value > self.context.now():
                    return one
        return None

    def _identity(self, path: str) -> str:
        return f"{self.name}/{path}"


def _is_utf8(name: str) -> bool:
    # Python stands lone surrogates in for the bytes of a name that it cannot decode.
    return not any("\udc80" <= letter <= "\udcff" for letter in name)


def _holders(known: Mapping[str, list[Any]]) -> dict[str, str]:
    """Article id → the file that stands for it: of several the one whose path sorts first."""
    holders: dict[str, str] = {}
    for path in sorted(known, reverse=True):
        for one in known[path][2]:
            holders[one] = path
    return holders


def _called_up(known: Mapping[str, list[Any]]) -> set[str]:
    """The files whose article another file stood for, which is gone or has another article now."""
    holders = _holders(known)
    return {path for path, entry in known.items() if any(holders[one] == path for one in entry[3])}


def _lost(before: list[Any] | None, found: Parsed) -> list[str]:
    """The ids of articles that a file had before it was broken: a slip of the pen withdraws nothing."""
    broken = any(one.severity == "error" for one in found.problems)
    if before is None or not broken:
        return []
    standing = {one.article.id for one in found.articles}
    return sorted({one for ids in (before[2], *before[4:]) for one in ids} - standing)


def _newest(parsed: Mapping[str, Parsed], known: Mapping[str, list[Any]]) -> tuple[Indicator, ...]:
    """The observations of the files that were read, the newest file's where several hold one symbol."""
    by_age: Iterable[str] = sorted(parsed, key=lambda path: (known[path][1], path))
    return tuple({one.symbol: one for path in by_age for one in parsed[path].indicators}.values())
