"""What is kept of an attempt: what was sent and answered, without what is secret, and nothing of what was erased."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select
from support.again import settled
from support.delivering import Bench, endpoint
from support.items import an_event
from support.rights import a_feed, define, judge, publish

from publisher.clock import EPOCH
from publisher.delivery import exchanges
from publisher.model import Attempt, Options
from publisher.model.options import Batch
from publisher.outbound import Outbound, PostResult, Sending
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import erasure
from publisher.storage.log import events
from publisher.storage.subscriptions import exchanges as kept
from publisher.storage.subscriptions import listing
from publisher.storage.subscriptions.exchanges import Success

WORD = "Zirkonium"


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """Answers each request with these bytes, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def sent(url: str, headers: dict[str, str]) -> tuple[Sending, PostResult]:
    """One request, and how it went."""
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    done: asyncio.Future[PostResult] = asyncio.get_running_loop().create_future()
    sending = outbound.send(url, b"{}", headers, 30.0, done.set_result)
    try:
        return sending, await asyncio.wait_for(done, 60)
    finally:
        await outbound.close()


OURS = {"webhook-id": "evt_1", "webhook-signature": "v1,abc", "Content-Type": "application/json"}
SECRETS = {"Authorization": "Bearer geheim", "X-Api-Key": "geheim", "Cookie": "sid=geheim", "X-Shop": "geheim"}


async def test_credentials_are_hidden_and_what_is_ours_is_shown() -> None:
    answer = (
        b"HTTP/1.1 500 Oops\r\nSet-Cookie: sid=geheim\r\nX-Auth-Token: geheim\r\nX-Trace: abc\r\n"
        b"Location: https://user:geheim@x.example/?token=geheim\r\nContent-Length: 2\r\n\r\nno"
    )
    async with answering(answer) as url:
        sending, result = await sent(f"{url}/hook/a?token=geheim&a=geheim&b", {**OURS, **SECRETS})
    assert result.status == 500
    made = exchanges.exchange(sending)
    assert made is not None and made.request is not None and made.answer is not None
    assert "geheim" not in repr(made)
    request = json.loads(made.request)
    assert (request["method"], request["target"]) == ("POST", "/hook/a?token=***&a=***&b")
    shown = dict(request["headers"])
    assert {name: shown[name] for name in OURS} == OURS
    assert {shown[name] for name in SECRETS} == {"***"}
    answered = dict(json.loads(made.answer))
    assert (answered["X-Trace"], answered["Set-Cookie"], answered["X-Auth-Token"]) == ("abc", "***", "***")
    assert answered["Location"] == "https://***@x.example/?token=***"
    assert made.address == "127.0.0.1"


async def test_what_is_kept_of_an_answer_is_bounded() -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 500) for n in range(100))
    async with answering(b"HTTP/1.1 500 Oops\r\n" + lines + b"Content-Length: 9000\r\n\r\n" + b"y" * 9000) as url:
        sending, result = await sent(f"{url}/hook", OURS)
    made = exchanges.exchange(sending)
    assert made is not None and made.answer is not None
    assert len(made.answer) < 6000
    assert len(result.response_excerpt or "") == 1024


async def test_of_a_success_as_much_is_kept_as_came_with_its_head() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthanks"[:-1]) as url:
        sending, result = await sent(f"{url}/hook", OURS)
    assert (result.status, result.response_excerpt, sending.excerpt) == (200, None, b"thank")


async def test_what_was_never_written_has_no_exchange() -> None:
    async with answering(b"") as url:
        pass
    sending, result = await sent(f"{url}/hook", OURS)
    assert result.status is None
    assert exchanges.exchange(sending) is None


async def test_a_failed_attempt_is_kept_with_what_was_sent(any_bench: Bench) -> None:
    bench = any_bench
    async with endpoint(lambda n: 500 if n == 0 else 204) as receiver, bench.running():
        webhook = await bench.subscribe(receiver.url("/hook?key=geheim"), together=True)
        await publish(bench.db, "kopi")
        await receiver.until(lambda: len(receiver.got) == 2)
    [one] = await bench.db.read(listing.page, webhook.id, limit=9)
    first, second = await bench.db.read(listing.attempts, one)
    assert first.request is not None and first.answer is not None
    request = json.loads(first.request)
    headers = {name.lower(): value for name, value in request["headers"]}
    for name, value in receiver.got[0].headers.items():
        assert headers[name] == value
    assert request["target"] == "/hook?key=***"
    assert (first.address, first.response, second.request) == ("127.0.0.1", "noted", None)
    last = await bench.db.read(kept.last, webhook.id)
    assert last is not None
    assert (last.seq, last.run, last.number, last.status) == (1, 0, 2, 204)
    [event] = await bench.db.read(events.among, [1])
    match = await bench.db.read(lambda tx: tx.conn.execute(select(tables.matches)).one())
    assert exchanges.shown_body([exchanges.Told(event, match)], first, "standard") == (
        receiver.got[0].body.decode(),
        None,
    )


async def test_the_body_of_a_batch_is_shown_with_all_that_it_carried(any_bench: Bench) -> None:
    bench = any_bench
    await define(bench.db, a_feed("news"))
    options = Options(batch=Batch(max=2, wait=60.0))
    async with endpoint(lambda n: 500 if n == 0 else 204) as receiver, bench.running():
        webhook = await bench.subscribe(receiver.url(), options=options)
        for name in ("kopi", "teh"):
            await publish(bench.db, name)
        await receiver.until(lambda: len(receiver.got) == 2)
    first, second = reversed(await bench.db.read(listing.page, webhook.id, limit=10))
    together = await bench.db.read(listing.together, second)
    assert [seq for seq, _ in together] == [first.seq, second.seq]
    (attempt, _), match = await bench.db.read(listing.attempts, second), await bench.db.read(_match)
    known = await bench.db.read(events.among, [first.seq, second.seq])
    told = [exchanges.Told(one, match) for one in (known[1], *known)]
    assert exchanges.shown_body(told, attempt, "standard", options) == (receiver.got[0].body.decode(), None)


def _match(tx: Tx) -> Any:
    return tx.conn.execute(select(tables.matches)).first()


def test_a_body_that_would_be_written_otherwise_is_not_shown() -> None:
    attempt = Attempt(number=1, at=EPOCH, duration_ms=1, digest="00")
    match: Any = type("Match", (), {"type": "article.published", "change": "entered", "summary": False})
    body, why = exchanges.shown_body([exchanges.Told(an_event(), match)], attempt, "standard")
    assert body is None and why is not None and "otherwise" in why
    body, why = exchanges.shown_body([exchanges.Told(an_event(), match)], attempt, "of-a-later-version")
    assert body is None


async def test_erasing_reaches_what_was_answered_and_what_is_stored_later(any_bench: Bench) -> None:
    """The answer of a receiver that says what it got, in rows of attempts and among last successes."""
    bench, db = any_bench, any_bench.db
    await define(db, a_feed("news"))
    await bench.subscribe("https://receiver.example/hook")
    await publish(db, "kopi")

    def everything(tx: Tx) -> str:
        found = [tx.conn.execute(select(table)).all() for table in (tables.attempts, tables.successes)]
        return repr(found)

    await judge(db)
    await settled(db, "retrying")
    echoing = {"response": WORD, "answer": f'[["X-Echo","{WORD}"]]', "digest": WORD, "request": "{}"}
    await db.write(lambda tx: tx.conn.execute(tables.attempts.update().values(**echoing)))
    success = Success(1, 1, 0, 2, 10, 5, 200, WORD, "{}", WORD, f'[["X-Echo","{WORD}"]]', "192.0.2.1")
    await db.write(kept.keep, [success])
    assert (await db.read(everything)).count(WORD) == 6
    [event] = await db.read(events.among, [1])
    await db.write(erasure.erase, event.subject, "/api/v1/articles/a1")
    assert WORD not in await db.read(everything)
    await db.write(kept.keep, [success._replace(at=20)])
    assert WORD not in await db.read(everything)
    assert "192.0.2.1" in await db.read(everything)

    attempt = (1, 9, 10, 5, 500, None, WORD, "{}", WORD, WORD, "192.0.2.1")
    await db.write(lambda tx: tx.dialect.many(tx.conn, tx.dialect.attempt, [(*attempt, None)]))
    after = await db.read(everything)
    assert WORD not in after and "500" in after


async def test_last_successes_are_written_a_few_at_a_time(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def keep(tx: Tx, some: list[Success]) -> None:
        written.extend(one.subscription for one in some)

    monkeypatch.setattr(exchanges.exchanges, "keep", keep)
    monkeypatch.setattr(exchanges, "FLUSHED", 2)
    monkeypatch.setattr(exchanges, "WAITING", 3)
    monkeypatch.setattr(
        exchanges, "_success", lambda item, _result: Success(item.line.n, 1, 0, 1, 1, 1, 200, *[None] * 5)
    )
    last = exchanges.LastSuccesses(sqlite_db)
    for n in (1, 2, 3, 4, 1):
        item: Any = type("Item", (), {"line": type("Line", (), {"n": n})})
        last.note(item, PostResult(200))
    await last.flush()
    assert written == [1, 2]
    await last.flush()
    assert written == [1, 2, 3]
