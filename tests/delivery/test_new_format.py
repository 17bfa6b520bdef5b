"""A new webhook format is one file: it is found, registered with, sent and signed with no other change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import standardwebhooks
from structlog.testing import capture_logs
from support.deliveries import append, states
from support.delivering import Bench, endpoint, eventually

from publisher.delivery import transports
from publisher.errors import NotFound
from publisher.model import DeliveryState
from publisher.storage.log import events
from publisher.storage.subscriptions import listing

TELEX = """
from publisher.delivery.transports.base import Content, Format, Ping, SingleEvent


class Telex(Format):
    name = "telex"
    label = "Telex"
    about = "One line of plain text, as it went over the wire."
    carries = frozenset({SingleEvent, Ping})

    def content_type(self, content: Content) -> str:
        return "text/plain; charset=utf-8"

    def body(self, content: Content) -> bytes:
        if isinstance(content, Ping):
            return f"TEST {content.webhook} STOP".encode()
        return f"{content.data['title']} STOP".encode()

    def headers(self, content: Content) -> dict[str, str]:
        return {"X-Words": str(len(self.body(content).split()))}
"""

DOCUMENTS_ONLY = TELEX.replace('"telex"', '"pages"').replace("Ping})", "})")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path of ``delivery/transports``; what was imported from it is gone again after the test."""
    found = tmp_path / "transports"
    found.mkdir()
    monkeypatch.setattr(transports, "__path__", [*transports.__path__, str(found)])
    before = set(sys.modules)
    yield found
    for name in set(sys.modules) - before:
        if name.startswith(f"{transports.__name__}."):
            del sys.modules[name]
            delattr(transports, name.rpartition(".")[2])


def add(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{name}.py").write_text(text)
    for format in transports.discovered([str(folder)]).values():
        monkeypatch.setitem(transports.FORMATS, format.name, format)


async def test_its_file_is_enough(folder: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    add(folder, "telex", TELEX, monkeypatch)
    assert transports.named("telex").label == "Telex"
    async with endpoint() as receiver:
        made = await bench.subscribe(receiver.url("/telex"), format="telex")
        await bench.subscribe(receiver.url("/standard"))
        async with bench.running() as deliverer:
            [event] = await append(bench.db)
            await receiver.until(lambda: len(receiver.taken) == 2)
            assert (await deliverer.test(made)).status == 204

    told, tested = [got for got in receiver.got if got.path == "/telex"]
    assert (told.body, told.id) == (f"{event.data['title']} STOP".encode(), event.id)
    assert (told.headers["content-type"], told.headers["x-words"]) == ("text/plain; charset=utf-8", "4")
    assert tested.body == f"TEST {made.id} STOP".encode()
    for got in (told, tested):
        standardwebhooks.Webhook(bench.secrets[made.id]).verify(got.body, got.headers, json_parse=False)


async def test_a_format_that_cannot_carry_events_one_by_one_is_not_offered_to_webhooks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(folder, "pages", DOCUMENTS_ONLY, monkeypatch)
    with pytest.raises(NotFound, match="no webhook format"):
        transports.named("pages")


def test_two_files_of_one_name_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "first.py").write_text(TELEX)
    (folder / "second.py").write_text(TELEX)
    with pytest.raises(ValueError, match="'telex' is there already"):
        transports.discovered([str(folder)])


@pytest.mark.parametrize("format", ["morse", "telex"])
async def test_what_this_program_cannot_write_waits_and_is_charged_to_no_receiver(
    folder: Path, any_bench: Bench, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    add(folder, "telex", TELEX.replace("content.data['title']", "content.data['no such field']"), monkeypatch)
    async with endpoint() as receiver:
        made = await any_bench.subscribe(receiver.url("/odd"), format=format)
        await any_bench.subscribe(receiver.url("/standard"))
        with capture_logs() as logged:
            async with any_bench.running():
                await append(any_bench.db, 2)
                await receiver.until(lambda: len(receiver.taken) == 2)
                await eventually(lambda: states(any_bench.db, made), [DeliveryState.PENDING] * 2)

    assert {got.path for got in receiver.got} == {"/standard"}
    assert [one.attempts for one in await any_bench.db.read(listing.page, made.id, limit=10)] == [0, 0]
    told = [entry for entry in logged if entry["event"] == "delivery.unwritten"]
    assert {entry["webhook"] for entry in told} == {made.id}
    assert all(("morse" if format == "morse" else "no such field") in entry["error"] for entry in told)


async def test_a_test_in_a_format_that_is_not_here_says_so(bench: Bench) -> None:
    made = await bench.subscribe("https://receiver.example/hook", format="morse")
    result = await bench.deliverer().test(made)

    assert (result.status, result.error) == (
        None,
        f'"morse" is no webhook format; known: {", ".join(transports.FORMATS)}',
    )
    assert await bench.db.read(events.last_seq) == 0
