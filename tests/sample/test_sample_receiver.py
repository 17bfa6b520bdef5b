"""The sample receiver believes only what was signed for it, and leaves nothing behind at the publisher."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console
from rich.text import Text
from support.clock import ManualClock
from support.service import api_client, key_of, serving, write_installation

from publisher.delivery.signing import headers, new_secret
from publisher.errors import PublisherError
from publisher.model import Role
from publisher.sample.receiver import Receiver, run_receiver

SECRET = new_secret()
EVENT = {"type": "article.updated", "changed": ["title"], "data": {"id": "a", "title": "Harga garam naik"}}


@dataclass
class Desk:
    client: TestClient[Any, Any]
    receiver: Receiver
    clock: ManualClock
    lines: list[Text] = field(default_factory=list)

    async def send(self, event: object = EVENT, *, secret: str = SECRET, late: int = 0, id: str = "evt_1") -> int:
        body = json.dumps(event).encode()
        signed = headers(secret, id, int(self.clock().timestamp()) - late, body)
        return (await self.client.post("/hook", data=body, headers=signed)).status


@pytest.fixture
async def desk(clock: ManualClock) -> AsyncIterator[Desk]:
    lines: list[Text] = []
    receiver = Receiver(lines.append, clock)
    receiver.secret = SECRET
    async with TestClient(TestServer(receiver.app())) as client:
        yield Desk(client, receiver, clock, lines)


async def test_a_genuine_event_is_shown_with_what_changed(desk: Desk) -> None:
    assert await desk.send() == 204
    [line] = desk.lines
    assert line.plain.split(" ", 1)[1] == "✓ article.updated    Harga garam naik  (title)"


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ("95.00", "USD/IDR 16199 ▲ 95.00 0.58%"),
        ("-1.00", "USD/IDR 16199 ▼ -1.00 0.58%"),
        ("0", "▬ 0"),
        (None, "USD/IDR 16199"),
    ],
)
async def test_an_indicator_is_shown_with_its_direction(desk: Desk, change: str | None, shown: str) -> None:
    data = {"symbol": "USD/IDR", "value": "16199", "change": change, "percent": "0.58"}
    assert await desk.send({"type": "indicator.updated", "data": data}) == 204
    assert shown in desk.lines[0].plain


async def test_what_was_signed_with_another_secret_is_refused(desk: Desk) -> None:
    assert await desk.send(secret=new_secret()) == 401
    assert desk.lines[0].plain == "refused: no signature in it is right"


@pytest.mark.parametrize("late", [301, -301])
async def test_an_old_recording_is_refused_although_its_signature_is_right(desk: Desk, late: int) -> None:
    assert await desk.send(late=late) == 401
    assert await desk.send(late=late // 2) == 204


async def test_what_is_not_signed_is_refused(desk: Desk) -> None:
    assert (await desk.client.post("/hook", json=EVENT)).status == 401


async def test_a_repeat_is_answered_and_told_apart(desk: Desk) -> None:
    assert [await desk.send(), await desk.send(), await desk.send(id="evt_2")] == [204, 204, 204]
    assert [("repeat" in line.plain) for line in desk.lines] == [False, True, False]


async def test_what_is_signed_but_no_event_is_400(desk: Desk) -> None:
    assert await desk.send([1]) == 400
    assert await desk.send({"type": "x"}) == 400


async def test_what_comes_before_the_secret_is_known_is_asked_for_again(desk: Desk) -> None:
    desk.receiver.secret = None
    assert await desk.send() == 503


class Paper(io.StringIO):
    """What was printed, to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = asyncio.Event()

    def write(self, text: str) -> int:
        self._grown.set()
        return super().write(text)

    async def holds(self, text: str) -> None:
        while text not in self.getvalue():
            self._grown.clear()
            await asyncio.wait_for(self._grown.wait(), 30)


async def test_it_registers_prints_what_is_pushed_and_unregisters(tmp_path: Path) -> None:
    home, paper = write_installation(tmp_path), Paper()
    key = await key_of(home, Role.EDITOR)
    async with serving(home) as service, api_client(key) as session:
        printing = asyncio.create_task(run_receiver(service.url, key, ["news"], console=Console(file=paper, width=200)))
        await paper.holds("Listening at")
        await session.put(f"{service.url}/api/v1/articles/a", json={"title": "Harga garam naik", "body": "<p>x</p>"})
        await paper.holds("✓ article.published  Harga garam naik")
        printing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await printing
        async with session.get(f"{service.url}/api/v1/webhooks") as answer:
            assert (await answer.json())["webhooks"] == []
    assert "Unregistered." in paper.getvalue()


async def test_a_refused_registration_says_why(tmp_path: Path) -> None:
    home = write_installation(tmp_path)
    key = await key_of(home, Role.SUBSCRIBER)
    async with serving(home) as service:
        with pytest.raises(PublisherError, match=r"the publisher refused: .*nwes"):
            await run_receiver(service.url, key, ["nwes"], console=Console(file=io.StringIO()))
    with pytest.raises(PublisherError, match="no publisher answers at http"):
        await run_receiver(service.url, key, ["news"], console=Console(file=io.StringIO()))
