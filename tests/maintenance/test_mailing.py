"""Mail to operators: of a webhook whose endpoint fails, at most once, whatever the server does."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from support.certificates import Authority
from support.clock import ManualClock
from support.deliveries import subscribe
from support.mailserver import mail_server

from publisher.delivery.followers import pausing
from publisher.maintenance import mailing
from publisher.outbound.mail import Mailer
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import mails as table
from publisher.storage.subscriptions import mails

SITE = ("Redaksi", "https://news.example")


def mailer(port: int, **options: object) -> Mailer:
    fields = {"sender": "desk@news.example", "to": ["a@ops.example", "b@ops.example"], "tls": "none", "port": port}
    return Mailer("127.0.0.1", **{**fields, **options})  # type: ignore[arg-type]


async def disabled(db: Database, url: str = "https://receiver.example/secret?token=hunter2") -> str:
    webhook = await db.write(subscribe, url=url)
    event = await db.write(lambda tx: pausing.end(tx, webhook.id, "every attempt has failed for 5 days", failed=True))
    assert event is not None
    return event.id


async def states(db: Database) -> list[tuple[str, int]]:
    def read(tx: Tx) -> list[tuple[str, int]]:
        return [(row.state, row.attempts) for row in tx.conn.execute(select(table).order_by(table.c.id))]

    return await db.read(read)


async def send(db: Database, port: int, **options: object) -> int:
    return await mailing.send(db, mailer(port, **options), lambda: SITE)


async def test_each_disabled_webhook_is_told_once_in_words_and_without_its_url(db: Database) -> None:
    async with mail_server() as server:
        event = await disabled(db)
        assert [await send(db, server.port) for _ in range(3)] == [1, 0, 0]
    [letter] = server.letters
    assert (letter["From"], letter["To"]) == ("desk@news.example", "a@ops.example, b@ops.example")
    assert (letter["Subject"], letter["Auto-Submitted"]) == (
        "[Redaksi] A webhook at receiver.example was disabled", "auto-generated",
    )  # fmt: skip
    assert letter["Message-ID"] == f"<{event}@news.example>"
    assert server.recipients == ["a@ops.example", "b@ops.example"]
    text = letter.get_payload(decode=True).decode()
    assert "every attempt has failed for 5 days" in text and "PATCH https://news.example/api/v1/webhooks/wh_" in text
    assert "hunter2" not in letter.as_string() and "secret" not in letter.as_string()
    assert await states(db) == [("sent", 1)]


async def test_what_is_refused_for_now_is_tried_again_by_the_schedule(db: Database, clock: ManualClock) -> None:
    async with mail_server(answer=lambda number: "451 later" if number < 2 else "250 taken") as server:
        await disabled(db)
        for wait in mails.WAITS[:2]:
            assert await send(db, server.port) == 0
            clock.advance(wait - 1)
            assert await send(db, server.port) == 0  # not before its time
            clock.advance(1)
        assert await send(db, server.port) == 1
    assert (server.data, len(server.letters)) == (3, 1)


async def test_a_server_that_is_not_there_is_tried_again_until_it_is_given_up(db: Database, clock: ManualClock) -> None:
    async with mail_server() as server:
        pass
    await disabled(db)
    for wait in mails.WAITS:
        assert await send(db, server.port) == 0
        clock.advance(wait)
    assert (await states(db))[0][0] == "waiting"
    assert await send(db, server.port) == 0
    assert await states(db) == [("failed", len(mails.WAITS) + 1)]


@pytest.mark.parametrize("answer", ["550 no such desk", None])
async def test_what_is_refused_for_good_or_may_have_been_taken_is_not_sent_again(
    db: Database, clock: ManualClock, answer: str | None
) -> None:
    async with mail_server(answer=lambda _number: answer) as server:
        await disabled(db)
        assert await send(db, server.port) == 0
        clock.advance(86_000)
        assert await send(db, server.port) == 0
    assert server.data == 1
    assert await states(db) == [("failed", 1)]


async def test_a_process_that_is_killed_as_it_sends_leaves_nothing_that_is_sent_twice(
    db: Database, clock: ManualClock
) -> None:
    async with mail_server() as server:
        await disabled(db)
        await disabled(db)
        [first, _] = await db.write(mails.claim)
        assert await db.write(mails.begin, first)  # and here it ends
        assert await send(db, server.port) == 0  # the second is still claimed
        clock.advance(mails.CLAIM_SECONDS)
        assert await send(db, server.port) == 1
    assert await states(db) == [("sending", 1), ("sent", 2)]
    assert not await db.write(mails.begin, first)


async def test_two_processes_send_each_mail_once(db: Database) -> None:
    async with mail_server() as server:
        for _ in range(3):
            await disabled(db)
        claimed = await db.write(mails.claim)
        assert await db.write(mails.claim) == []
        assert len(claimed) == 3 and await send(db, server.port) == 0


async def test_a_password_goes_over_tls_to_who_is_trusted(sqlite_db: Database, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = authority.trusted()
    async with mail_server(password="hunter2", tls=authority.server("127.0.0.1")) as server:
        await disabled(sqlite_db)
        options = {"tls": "starttls", "user": "desk"}
        assert await send(sqlite_db, server.port, password="hunter2", **options) == 0  # whom the system does not trust
        assert server.logins == []
    async with mail_server(password="hunter2", tls=authority.server("127.0.0.1")) as server:
        await disabled(sqlite_db)
        assert await send(sqlite_db, server.port, password="hunter2", context=trust, **options) == 1
    assert (server.logins, server.encrypted) == (["hunter2"], [True])


async def test_a_server_without_starttls_is_told_nothing(sqlite_db: Database) -> None:
    async with mail_server(password="hunter2") as server:
        await disabled(sqlite_db)
        assert await send(sqlite_db, server.port, tls="starttls", user="desk", password="hunter2") == 0
    assert (server.logins, server.letters) == ([], [])
    assert await states(sqlite_db) == [("waiting", 1)]


async def test_what_is_old_is_not_told_when_mail_is_set_and_is_pruned_in_time(db: Database, clock: ManualClock) -> None:
    await disabled(db)
    clock.advance(mails.STALE_SECONDS)
    async with mail_server() as server:
        assert await send(db, server.port) == 0
    assert server.connections == 0
    clock.advance(mails.KEPT_SECONDS)
    assert await db.read(mails.outdated)
    assert await db.write(mails.prune) == 1
    assert await states(db) == []
