"""``DELETE …?erase=true``: the text is gone for good; the id, the tombstone and the place in the log stay."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from maintenance.kept import KEPT, YEAR, batches, dated
from support.clock import ManualClock
from support.deliveries import claim, fan_out, fan_out_once, settle, states, subscribe
from support.receiver import receiving
from web.webroom import Newsroom

from publisher.maintenance.keeping import prune
from publisher.model import DeliveryState, EventType, Filter, Subscription
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import metadata
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, listing

WORD = "Zamrudkhatulistiwa"
"""Stands in everything that was pushed of the article that is erased, and nowhere else."""

ARTICLE: dict[str, Any] = {
    "title": f"Judul {WORD}",
    "body": f"<p>{WORD} " + "panjang " * 2000 + "</p>",
    "summary": WORD,
    "authors": [WORD],
    "topics": ["kopi", WORD],
    "url": f"https://news.example/{WORD}",
}
PATH = "/api/v1/articles/kopi-1"


async def put(newsroom: Newsroom, path: str = PATH, **fields: Any) -> Any:
    keyed = {"Idempotency-Key": hashlib.sha256(repr(fields).encode()).hexdigest()} if fields.pop("keyed", True) else {}
    headers = newsroom.as_("editor", **keyed)
    answer = await newsroom.client.put(path, json={**ARTICLE, **fields}, headers=headers)
    assert answer.status in (200, 201, 202, 410), await answer.text()
    return answer


async def erase(newsroom: Newsroom, path: str = PATH, **headers: str) -> tuple[int, Any]:
    answer = await newsroom.client.delete(f"{path}?erase=true", headers=newsroom.as_("editor", **headers))
    return answer.status, await answer.json()


def everything(tx: Tx) -> str:
    """Every value of every table, as text."""
    values = [value for table in metadata.sorted_tables for row in tx.conn.execute(table.select()) for value in row]
    return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)


def files_with(folder: Path, word: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


async def delivered(newsroom: Newsroom, follower: Subscription) -> list[tuple[str, DeliveryState, str | None]]:
    page = await newsroom.db.read(listing.page, follower.id, limit=99)
    return [(str(one.event_type), one.state, one.reason) for one in reversed(page)]


async def test_the_text_is_gone_and_the_id_the_tombstone_and_the_log_stay(newsroom: Newsroom) -> None:
    await put(newsroom)
    await put(newsroom, title=f"{WORD} lagi", topics=["emas"])
    await put(newsroom, "/api/v1/articles/kopi-2", title="Yang lain", authors=[], topics=["kopi"], url=None,
              summary=None, body="<p>Tinggal.</p>")  # fmt: skip
    assert WORD in await newsroom.db.read(everything)

    assert await erase(newsroom) == (200, {"outcome": "erased", "id": "kopi-1"})
    left = await newsroom.db.read(everything)
    assert WORD not in left
    assert "Tinggal." in left
    found = await newsroom.db.read(events.after, 0, 9, subject="kopi-1")
    assert [(event.type.value, event.data) for event in found] == [
        (type_, {"id": "kopi-1", "erased": True})
        for type_ in ("article.published", "article.updated", "article.withdrawn")
    ]
    assert [one for one, _ in await newsroom.db.read(feed_states.tombstones, "news", 9)] == ["kopi-1"]
    assert (await newsroom.client.get(PATH)).status == 410
    assert (await newsroom.client.get("/articles/kopi-1")).status == 410
    feed = await (await newsroom.client.get("/feeds/news.atom")).text()
    assert ("deleted-entry" in feed, "kopi-1" in feed, "Yang lain" in feed) == (True, True, True)


async def test_nothing_of_it_is_left_in_the_files_of_sqlite(one_newsroom: Newsroom, tmp_path: Path) -> None:
    for number in range(30):
        await put(one_newsroom, f"/api/v1/articles/lain-{number}", authors=[], topics=["kopi"], summary=None,
                  url=None, title="Lain", body="<p>" + "lain " * (37 + number * 37) + "</p>")  # fmt: skip
        await put(one_newsroom, title=f"{WORD} {number}", body=f"<p>{WORD}" + " isi" * (number * 211) + "</p>")
    data = tmp_path / "data"
    assert files_with(data, WORD) != []
    assert (await erase(one_newsroom))[0] == 200
    assert files_with(data, WORD) == []
    assert files_with(data, "lain ") != []


async def test_what_a_reader_keeps_in_the_journal_is_wiped_at_the_next_turn(
    one_newsroom: Newsroom, tmp_path: Path
) -> None:
    await put(one_newsroom)
    journal = tmp_path / "data" / "publisher.db-wal"
    reader = sqlite3.connect(tmp_path / "data" / "publisher.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM articles").fetchone()
    assert (await erase(one_newsroom))[0] == 200
    assert WORD.encode() in journal.read_bytes()
    reader.execute("COMMIT")
    reader.close()
    ingest: Any = one_newsroom.services.ingest
    await ingest.wipe()
    assert files_with(tmp_path / "data", WORD) == []


async def test_nothing_of_it_is_left_in_documents_kept_on_disk(one_newsroom: Newsroom, tmp_path: Path) -> None:
    # Documents over 1 MB are kept as files, the version before beside the present one.
    await put(one_newsroom, body=f"<p>{WORD}" + " isi" * 240_000 + "</p>")
    await one_newsroom.push("kopi-2", body="<p>" + "tetap " * 160_000 + "</p>")
    await one_newsroom.client.get("/feeds/news.rss")
    cache = tmp_path / "data" / "cache"
    assert files_with(cache, WORD) != []
    # The answer has come only when the files are gone.
    assert (await erase(one_newsroom))[0] == 200
    assert files_with(cache, WORD) == []
    shown = await (await one_newsroom.client.get("/feeds/news.rss")).text()
    assert (WORD in shown, "tetap" in shown) == (False, True)


async def test_a_process_that_starts_removes_documents_that_are_no_longer_present(
    one_newsroom: Newsroom, tmp_path: Path
) -> None:
    cache = tmp_path / "data" / "cache"
    cache.mkdir()
    (cache / "news.rss.older").write_text(WORD)
    (cache / "news.rss.older.gz").write_text(WORD)
    await one_newsroom.client.get("/feeds/news.rss")
    assert files_with(cache, WORD) == []


async def test_open_deliveries_are_cancelled_except_those_that_take_it_back(newsroom: Newsroom) -> None:
    follower = await newsroom.db.write(subscribe)
    await put(newsroom)
    await put(newsroom, title=f"{WORD} lagi")
    await fan_out(newsroom.db, feeds=("news",))
    await erase(newsroom)
    await fan_out(newsroom.db, feeds=())
    assert await delivered(newsroom, follower) == [
        ("article.published", DeliveryState.CANCELLED, "erased"),
        ("article.published", DeliveryState.CANCELLED, "erased"),
        ("article.withdrawn", DeliveryState.PENDING, None),
    ]
    accounts = await newsroom.db.read(listing.accounting, [1, 2, 3])
    assert all(account.matched == sum(account.states.values()) for account in accounts)


async def test_followers_are_found_by_what_it_was_though_that_is_gone(newsroom: Newsroom) -> None:
    by_topic = await newsroom.db.write(subscribe, "coffee")
    by_type = await newsroom.db.write(
        subscribe, "coffee", filter=Filter(feeds=("coffee",), events=(EventType.ARTICLE_WITHDRAWN,))
    )
    other = await newsroom.db.write(subscribe, "market")
    await put(newsroom)
    await erase(newsroom)
    deliverer: Any = newsroom.services.deliverer
    while await deliverer._fanout.step():
        pass
    assert [one[0] for one in await delivered(newsroom, by_topic)] == ["article.withdrawn"]
    assert [one[0] for one in await delivered(newsroom, by_type)] == ["article.withdrawn"]
    assert await delivered(newsroom, other) == []
    accounts = await newsroom.db.read(listing.accounting, [1, 2])
    assert [(one.matched, sum(one.states.values())) for one in accounts] == [(0, 0), (2, 2)]


async def test_an_event_half_fanned_out_goes_to_no_one_else(newsroom: Newsroom) -> None:
    followers = [await newsroom.db.write(subscribe) for _ in range(4)]
    await put(newsroom)
    await fan_out_once(newsroom.db, chunk=2)
    await erase(newsroom)
    await fan_out(newsroom.db, chunk=2)
    for follower in followers:
        assert [one[1:] for one in await delivered(newsroom, follower)] == [
            (DeliveryState.CANCELLED, "erased"),
            (DeliveryState.PENDING, None),
        ]


async def test_a_withdrawal_with_many_followers_is_fanned_out_in_pieces_like_any_other(newsroom: Newsroom) -> None:
    followers = [await newsroom.db.write(subscribe, "coffee") for _ in range(5)]
    await put(newsroom)
    await erase(newsroom)
    cursors = [await fan_out_once(newsroom.db, chunk=2, feeds=()) for _ in range(5)]
    assert [cursor is not None and cursor.subscription > 0 for cursor in cursors] == [False, True, True, False, False]
    for follower in followers:
        assert await delivered(newsroom, follower) == [("article.withdrawn", DeliveryState.PENDING, None)]


async def test_a_delivery_under_way_is_not_tried_again(newsroom: Newsroom) -> None:
    follower = await newsroom.db.write(subscribe)
    await put(newsroom)
    await fan_out(newsroom.db)
    (taken,) = (await claim(newsroom.db)).deliveries
    await erase(newsroom)
    await newsroom.db.write(settle, [deliveries.Outcome(taken.id, "ours", "retrying", wait=0.0)])
    assert (await states(newsroom.db, follower))[0] is DeliveryState.CANCELLED


async def test_what_is_sent_after_it_carries_the_id_alone(one_newsroom: Newsroom) -> None:
    """Also where the sender has the event in memory already, from an attempt before the erasure."""
    failing = True
    async with receiving(lambda _n: 500 if failing else 204) as receiver:
        created = await one_newsroom.client.post(
            "/api/v1/webhooks",
            json={"url": receiver.url, "feeds": ["news"], "history": True},
            headers=one_newsroom.as_("subscriber"),
        )
        assert created.status == 201
        await put(one_newsroom)
        await one_newsroom.client.delete(PATH, headers=one_newsroom.as_("editor"))
        deliverer: Any = one_newsroom.services.deliverer
        running = asyncio.create_task(deliverer.run())
        await receiver.until(lambda: len(receiver.attempts) >= 2)
        before = {one.event["type"] for one in receiver.attempts}
        assert before == {"article.published", "article.withdrawn"}
        assert (await erase(one_newsroom))[0] == 200
        failing = False
        count = len(receiver.attempts)
        clock: Any = one_newsroom.services.now
        while not receiver.taken:
            clock.advance(10)
            deliverer.wake()
            await asyncio.sleep(0)
        await deliverer.stop(30)
        await running
    # The clock ran on while it waited, past its lease: it may have been sent more than once.
    sent = [one.event for one in receiver.attempts[count:]]
    assert sent
    assert all(one["type"] == "article.withdrawn" and one["change"] == "left" for one in sent)
    assert all(one["data"] == {"id": "kopi-1", "erased": True} for one in sent)


async def test_who_reads_the_log_later_is_told_too(newsroom: Newsroom) -> None:
    await put(newsroom)
    await newsroom.push("tertutup", "rahasia")
    await erase(newsroom)
    await erase(newsroom, "/api/v1/articles/tertutup")
    seen = (await newsroom.get("/api/v1/events"))["events"]
    assert [(event["type"], event["change"], event["data"]) for event in seen] == [
        ("article.withdrawn", "left", {"id": "kopi-1", "erased": True})
    ]
    by_editors = (await newsroom.get("/api/v1/events", "editor"))["events"]
    assert [event["data"]["id"] for event in by_editors] == ["kopi-1", "tertutup"]


async def test_what_was_never_public_stays_unknown(newsroom: Newsroom) -> None:
    await newsroom.push("tertutup", "rahasia")
    await erase(newsroom, "/api/v1/articles/tertutup")
    assert (await newsroom.client.get("/api/v1/articles/tertutup")).status == 404
    answer = await newsroom.client.get("/api/v1/articles/tertutup", headers=newsroom.as_("editor"))
    assert answer.status == 410


async def test_a_late_repeat_does_not_publish_it_again(newsroom: Newsroom) -> None:
    await put(newsroom)
    headers = newsroom.as_("editor", **{"Idempotency-Key": "batch"})
    batch = [{"id": "kopi-1", **ARTICLE, "title": WORD}, {"id": "kopi-2", "title": "Lain", "body": "<p>x</p>"}]
    await newsroom.client.post("/api/v1/articles", json=batch, headers=headers)
    await erase(newsroom)
    again = await put(newsroom)
    assert (again.status, again.headers["Idempotent-Replayed"]) == (410, "true")
    assert again.content_type == "application/problem+json"
    repeated = await newsroom.client.post("/api/v1/articles", json=batch, headers=headers)
    listed = (await repeated.json())["articles"]
    assert [(one["id"], one["outcome"]) for one in listed] == [("kopi-1", "erased"), ("kopi-2", "new")]
    assert (await newsroom.client.get(PATH)).status == 410


async def test_what_waits_is_erased_without_a_trace_in_the_log(newsroom: Newsroom, clock: ManualClock) -> None:
    await put(newsroom, published="2026-03-02T10:00:00Z")
    assert (await erase(newsroom))[0] == 200
    assert WORD not in await newsroom.db.read(everything)
    clock.advance(7200)
    ingest: Any = newsroom.services.ingest
    assert await ingest.release_due() == 0
    assert newsroom.db.last_seq == 0


async def test_a_withdrawn_article_can_be_erased_and_erasing_twice_is_one_event(newsroom: Newsroom) -> None:
    await put(newsroom)
    await newsroom.client.delete(PATH, headers=newsroom.as_("editor"))
    assert [(await erase(newsroom))[0] for _ in range(2)] == [200, 200]
    assert newsroom.db.last_seq == 2
    assert WORD not in await newsroom.db.read(everything)


async def test_what_a_process_has_read_is_dropped_also_where_the_events_themselves_are_pruned(
    one_newsroom: Newsroom, clock: ManualClock
) -> None:
    headers, db = one_newsroom.as_("editor"), one_newsroom.db

    async def log(after: str) -> str:
        answer = await one_newsroom.client.get("/api/v1/events", params={"after": after}, headers=headers)
        return await answer.text()

    place = json.loads(await log("latest"))["next"]
    await put(one_newsroom)
    assert WORD in await log(place)
    await one_newsroom.client.delete(PATH, headers=headers)
    await fan_out(db)
    await db.write(dated, clock)
    clock.advance(2 * YEAR)
    assert (await prune(batches(db), KEPT)).events == 2

    assert (await erase(one_newsroom))[0] == 200

    assert WORD not in await log(place)


async def test_an_editor_may_publish_under_the_id_again(newsroom: Newsroom) -> None:
    await put(newsroom)
    await erase(newsroom)
    answer = await newsroom.client.delete(PATH, headers=newsroom.as_("editor"))
    assert (answer.status, (await answer.json())["outcome"]) == (200, "unchanged")
    again = await put(newsroom, title="Baru", keyed=False)
    assert (again.status, again.headers["ETag"]) == (201, '"r3"')


async def test_an_id_that_never_was_is_404_and_another_version_412(newsroom: Newsroom) -> None:
    assert (await erase(newsroom, "/api/v1/articles/none"))[0] == 404
    await put(newsroom)
    assert (await erase(newsroom, **{"If-Match": '"r7"'}))[0] == 412
    assert WORD in await newsroom.db.read(everything)
    answer = await newsroom.client.delete(f"{PATH}?erase=yes", headers=newsroom.as_("editor"))
    assert answer.status == 422
    assert (await erase(newsroom, **{"If-Match": '"r1"'}))[0] == 200


async def test_what_receivers_answered_is_erased_since_it_may_quote_it(newsroom: Newsroom) -> None:
    follower = await newsroom.db.write(subscribe)
    await put(newsroom)
    await fan_out(newsroom.db)
    (taken,) = (await claim(newsroom.db)).deliveries
    told = deliveries.Outcome(taken.id, "ours", "delivered", number=1, status=200, response=f"got {WORD}")
    await newsroom.db.write(settle, [told])
    await erase(newsroom)
    assert WORD not in await newsroom.db.read(everything)
    assert (await states(newsroom.db, follower))[0] is DeliveryState.DELIVERED
