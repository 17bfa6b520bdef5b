"""What was sent in an attempt and what came back, as it is kept: heads without credentials, a digest of the body."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from publisher import telemetry
from publisher.clock import to_micros
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import SITE, Format, SingleEvent, Site
from publisher.errors import StorageError, Unwritable
from publisher.errors import told as was_told
from publisher.model import Attempt, Change, Event, EventType
from publisher.model.options import DEFAULT, Options
from publisher.outbound import PostResult, Sending
from publisher.redaction import HIDDEN, redacted
from publisher.storage.engine.database import Database
from publisher.storage.engine.turns import Urgency, writing_as
from publisher.storage.subscriptions import exchanges
from publisher.storage.subscriptions.deliveries import Exchange
from publisher.storage.subscriptions.exchanges import Success
from publisher.unbroken import unbroken

if TYPE_CHECKING:
    from publisher.delivery.endpoints.parties import Item

log = telemetry.logger(__name__)

FLUSH_SECONDS = 10.0
FLUSHED = 256
"""Last successes that are written at once, every so many seconds: whatever is sent, 26 rows a second at most."""

SHOWN = 1024 * 1024
"""Bytes of a body that is shown, at most: a batch may have many more."""

WAITING = 4096
"""Of so many subscriptions the last success waits in memory; of others it is left out until there is room."""

_SHOWN = re.compile(r"host|user-agent|accept(-encoding)?|content-(type|length|encoding)|(webhook|ce)-[a-z-]+", re.ASCII)
"""The headers of requests whose values are shown: those that are ours. Any other may hold a secret of the owner's."""

_SECRET = re.compile(r"(set-)?cookie2?|.*auth.*|.*token.*|.*secret.*|.*api-?key.*", re.ASCII)

_VALUE = re.compile(r"=[^&]*")


def exchange(sending: object) -> Exchange | None:
    """What is kept of an attempt; None of one that was not sent by the client."""
    if not isinstance(sending, Sending) or not sending.written:
        return None
    return Exchange(
        _request(sending.head), hashlib.sha256(sending.body).hexdigest(), _answer(sending.answered), sending.address
    )


@dataclass(frozen=True, slots=True)
class Told:
    """An event that a request carried, None where it is kept no longer, and what it was to its follower."""

    event: Event | None
    match: Any


def shown_body(
    told: Sequence[Told], attempt: Attempt, format: str, options: Options = DEFAULT, site: Site = SITE
) -> tuple[str | None, str | None]:
    """The body of an attempt as it was sent, and otherwise why it is not shown.

    ``told`` is the event of its delivery, then all those of its batch in their order, if it was sent in one. It is
    written again, as ``site`` tells it in this format with these options, and compared with the digest of what was
    sent.
    """
    if any(one.event is None for one in told):
        return None, "its event is kept no longer"
    if any(one.event is not None and one.event.erased for one in told):
        return None, "what it carried was erased"
    if attempt.digest is None:
        return None, "it was not sent, or before bodies could be shown"
    for body in _bodies(told, format, options, site):
        if hashlib.sha256(body).hexdigest() == attempt.digest:
            if len(body) > SHOWN:
                return None, f"it is over {SHOWN // 1024} KiB"
            return body.decode(errors="replace"), None
    return None, "it was written otherwise than it would be now"


def _bodies(told: Sequence[Told], format: str, options: Options, site: Site) -> Iterator[bytes]:
    """What may have been sent: the one event, or a batch with it. Nothing where this program has no such format."""
    if format not in FORMATS:
        return
    each = [_body(one, FORMATS[format], options, site) for one in told]
    if None in each:
        return
    written = [body for body in each if body is not None]
    yield written[0]
    for some in (written[:1], written[1:]):
        yield b"[" + b",".join(some) + b"]"


def _body(one: Told, format: Format, options: Options, site: Site) -> bytes | None:
    assert one.event is not None
    type_, change = EventType(one.match.type), Change(one.match.change)
    content = SingleEvent.of(one.event, type_, change, summary=one.match.summary, site=site, asked=options)
    try:
        return format.request(content).body
    except Unwritable:
        return None


class LastSuccesses:
    """Keeps the last attempt of each subscription that succeeded: in memory, and written now and then.

    A write for each would cost more than the delivery. What waits as the process is killed is lost: then the one before
    it is shown.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: OrderedDict[int, tuple[Item, PostResult]] = OrderedDict()

    def note(self, item: Item, result: PostResult) -> None:
        """This attempt has succeeded."""
        n = item.line.n
        if n in self._waiting or len(self._waiting) < WAITING:
            self._waiting[n] = item, result

    async def run(self) -> None:
        """Write what waits, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception as error:
                if not was_told(error):
                    log.error("delivery.successes_failed", error=str(error)[:300])

    async def run_out(self) -> None:
        """Write those that have waited for longest, as this process stops; where that fails they are left out."""
        with suppress(StorageError):
            await self.flush()

    async def flush(self) -> None:
        """Write those that have waited for longest, up to :data:`FLUSHED`."""
        some = [self._waiting.popitem(last=False)[1] for _ in range(min(FLUSHED, len(self._waiting)))]
        found = [one for one in (_success(item, result) for item, result in some) if one is not None]
        if found:
            with writing_as(Urgency.UPKEEP):
                await unbroken(self._db.write_loosely(exchanges.keep, found))


def _success(item: Item, result: PostResult) -> Success | None:
    one, sent = item.one, exchange(item.sending)
    if sent is None or item.at is None or result.status is None or not isinstance(item.sending, Sending):
        return None
    text = item.sending.excerpt.decode("utf-8", "replace").replace("\x00", "") or None
    return Success(
        one.subscription, one.seq, one.run, one.number, to_micros(item.at), result.duration_ms, result.status, text,
        *sent,
    )  # fmt: skip


def shown_sent(name: str, value: str) -> str:
    """The value of a header that was sent, as it may be shown: any that is not ours may be a secret of the owner's."""
    return value if _SHOWN.fullmatch(name.lower()) else HIDDEN


def shown_received(name: str, value: str) -> str:
    """The value of a header that was answered, as it may be shown."""
    return HIDDEN if _SECRET.fullmatch(name.lower()) else redacted(value)


def _request(head: bytes) -> str:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, *_ = first.split(" ")
    path, question, query = target.partition("?")
    target = path + question + _VALUE.sub(f"={HIDDEN}", query)
    named = (line.partition(": ") for line in lines if line)
    headers = [[name, shown_sent(name, value)] for name, _, value in named]
    return orjson.dumps({"method": method, "target": target, "headers": headers}).decode()


def _answer(head: Sequence[tuple[bytes, bytes]]) -> str | None:
    if not head:
        return None
    return orjson.dumps([_header(name, value) for name, value in head]).decode()


def _header(name: bytes, value: bytes) -> list[str]:
    text = name.decode("latin-1").replace("\x00", "")
    return [text, shown_received(text, value.decode("utf-8", "replace").replace("\x00", ""))]
