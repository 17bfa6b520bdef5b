"""``wait``: a request that is answered once there is something to tell."""

from __future__ import annotations

import asyncio

from support.delivering import eventually
from support.statements import counting
from waiting import FOREVER, asleep, counted, seqs, waiting, waiting_in
from webroom import Newsroom

from publisher.model import Role
from publisher.storage.access import keys
from publisher.storage.configuration import installation
from publisher.web.api.following import FOLLOWING
from publisher.web.budgets.allowances import WAITING_AT_A_TIME


async def test_it_is_answered_as_soon_as_an_event_comes_that_the_caller_may_see(newsroom: Newsroom) -> None:
    async with waiting(newsroom, FOREVER) as [anyone], waiting(newsroom, FOREVER, role="editor") as [editor]:
        await newsroom.push("a-1", "rahasia")
        assert seqs(await asyncio.wait_for(editor, 60)) == [1]
        assert not anyone.done()
        await newsroom.push("kopi-1")
        answer = await asyncio.wait_for(anyone, 60)
    assert seqs(answer) == [2]
    assert (await newsroom.get(f"/api/v1/events?after={answer[1]['next']}"))["events"] == []
    assert waiting_in(newsroom) == 0


async def test_what_is_there_already_is_not_waited_for(newsroom: Newsroom) -> None:
    await newsroom.push("kopi-1")
    assert [event["seq"] for event in (await newsroom.get("/api/v1/events?wait=30s"))["events"]] == [1]


async def test_when_the_time_is_up_the_page_is_empty_and_goes_on_past_what_was_hidden(newsroom: Newsroom) -> None:
    first = await newsroom.get("/api/v1/events?wait=1ms")
    await newsroom.push("a-1", "rahasia")
    page = await newsroom.get(f"/api/v1/events?after={first['next']}&wait=1ms")
    assert (first["events"], page["events"], page["next"] != first["next"]) == ([], [], True)


async def test_many_that_wait_cost_the_database_nothing_and_share_the_reading_of_what_comes(
    newsroom: Newsroom,
) -> None:
    paths = [FOREVER] * 30
    async with (
        waiting(newsroom, *paths, role="editor") as one,
        waiting(newsroom, *paths, role="operator") as two,
        waiting(newsroom, *paths) as three,
    ):
        with counting(newsroom.db) as sent:
            for _ in range(5):
                await newsroom.db.refresh()
        assert len(sent) == 5
        with counting(newsroom.db) as sent:
            await newsroom.push("kopi-1")
            found = await asyncio.wait_for(asyncio.gather(*one, *two, *three), 120)
        assert [seqs(answer) for answer in found] == [[1]] * 90
    assert len([statement for statement, _ in sent if "FROM events" in statement]) == 1


async def test_more_than_a_key_or_an_address_may_have_waiting_is_refused_in_words(newsroom: Newsroom) -> None:
    async with waiting(newsroom, *[FOREVER] * WAITING_AT_A_TIME):
        refused = await newsroom.client.get(FOREVER)
        told = await refused.json()
        assert (refused.status, refused.headers["Retry-After"]) == (429, "5")
        assert f"{WAITING_AT_A_TIME} requests with `wait` at a time" in told["detail"]
        assert (await newsroom.get("/api/v1/events"))["events"] == []  # without waiting anyone may
        async with waiting(newsroom, FOREVER, role="editor"):
            pass


async def test_all_together_may_not_take_every_connection_by_waiting(newsroom: Newsroom) -> None:
    newsroom.services.limits._all_waiting.each = 3
    async with waiting(newsroom, FOREVER, FOREVER), waiting(newsroom, FOREVER, role="editor"):
        refused = await newsroom.client.get(FOREVER, headers=newsroom.as_("operator"))
        assert (refused.status, "all clients together may have 3" in await refused.text()) == (429, True)
    await eventually(lambda: counted(waiting_in, newsroom), 0)
    assert newsroom.services.limits._all_waiting._taken == {}


async def test_a_client_that_goes_leaves_nothing_behind(newsroom: Newsroom) -> None:
    async with waiting(newsroom, FOREVER, FOREVER) as tasks:
        for task in tasks:
            task.cancel()
        await eventually(lambda: counted(waiting_in, newsroom), 0)
        await eventually(lambda: counted(asleep, newsroom), 0)


async def test_when_the_service_stops_whoever_waits_is_answered(newsroom: Newsroom) -> None:
    async with waiting(newsroom, FOREVER) as [asked]:
        runner = newsroom.client.server.runner
        assert runner is not None
        assert runner.app is not None
        await runner.shutdown()
        status, page = await asyncio.wait_for(asked, 60)
    assert (status, page["events"]) == (200, [])
    assert runner.app[FOLLOWING].stopping.is_set()


async def test_a_key_that_is_revoked_meanwhile_sees_no_more(newsroom: Newsroom) -> None:
    async with waiting(newsroom, FOREVER, role="editor:other") as [asked]:
        [key] = [
            one for one in await newsroom.db.read(keys.list_) if (one.owner, one.role) == ("desk:other", Role.EDITOR)
        ]
        await newsroom.db.write(keys.revoke, key.id)
        await newsroom.push("kopi-1")
        status, _ = await asyncio.wait_for(asked, 60)
    assert status == 401


async def test_when_the_log_is_reset_meanwhile_the_next_request_is_told(newsroom: Newsroom) -> None:
    await newsroom.push("kopi-1")
    async with waiting(newsroom, FOREVER) as [asked]:
        await newsroom.db.write(installation.renew)
        status, page = await asyncio.wait_for(asked, 60)
    assert (status, page["events"]) == (200, [])
    told = await newsroom.client.get(f"/api/v1/events?after={page['next']}")
    assert (told.status, (await told.json())["code"]) == (410, "log-reset")
