"""The process that works on what strangers wrote: what it can do, what becomes of it, and that nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from support.delivering import PAUSE

from publisher.errors import Faulty, Overdue, Overrun, ReadError, Unready
from publisher.isolation import Isolated

JOBS = "support.jobs"
TESTS = Path(__file__).parents[1]

Open = Callable[..., Any]


@pytest.fixture
def isolated() -> Open:
    """Opens one over the jobs of these tests, which stand beside them."""

    @asynccontextmanager
    async def open_one(**limits: Any) -> AsyncIterator[Isolated]:
        one = Isolated(JOBS, root=TESTS, **limits)
        yield one
        await one.close()

    return open_one


async def said(one: Isolated, job: str, body: bytes = b"", **options: Any) -> list[Any]:
    return [orjson.loads(piece) for piece in await one.run(job, body, options)]


async def until(true: Callable[[], bool]) -> None:
    """Give others their turn until it is."""
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(PAUSE)


async def test_it_is_started_by_the_first_document_and_stays_for_the_next(isolated: Open) -> None:
    async with isolated() as one:
        assert one.pid is None
        assert await said(one, "echo", b"a\xffb", text="Jum’at") == [{"text": "Jum’at"}, [97, 255, 98]]
        first = one.pid
        assert await said(one, "echo", b"") == [{}, []]
        assert one.pid == first != os.getpid()


async def test_it_knows_nothing_of_the_service_and_can_reach_nothing(isolated: Open, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("secret")
    async with isolated() as one:
        (found,) = await said(one, "surroundings", path=str(tmp_path / "secret"))
    assert found["environment"] == ["LC_CTYPE"] or found["environment"] == []
    assert found["folder"] == "/"
    assert found["descriptors"] <= 4
    assert set(found["refused"]) == {"file", "socket", "program"}
    assert found["memory"]


async def test_a_document_that_takes_too_long_ends_the_process_and_is_told_by_the_limit(isolated: Open) -> None:
    async with isolated(deadline=0.5) as one:
        with pytest.raises(Overdue, match=r"was not read within 0\.5 s") as caught:
            await said(one, "spin")
        assert not isinstance(caught.value, ReadError), "the machine may be at fault, and the document is read again"
        assert one.pid is None
        one._deadline = 30.0
        assert await said(one, "echo", b"a") == [{}, [97]]


async def test_a_document_that_takes_too_much_of_the_processor_is_ended_from_within(isolated: Open) -> None:
    async with isolated(seconds=0) as one:
        with pytest.raises(Overrun, match="took over 0 s of the processor"):
            await said(one, "spin")
        assert one.pid is None


async def test_a_document_that_takes_too_much_memory_ends_the_process_and_the_next_is_read(isolated: Open) -> None:
    async with isolated() as one:
        with pytest.raises(Overrun, match="memory"):
            await said(one, "swell")
        assert one.pid is None
        assert await said(one, "echo", b"a") == [{}, [97]]


@pytest.mark.parametrize(
    ("job", "reason"),
    [("refuse", "is no page"), ("recurse", "is nested too deeply"), ("much", "comes to more than 16,000,000 bytes")],
)
async def test_what_a_job_refuses_is_told_in_its_words_and_the_process_stays(
    isolated: Open, job: str, reason: str
) -> None:
    async with isolated() as one:
        await said(one, "echo")
        first = one.pid
        with pytest.raises(ReadError, match=reason):
            await said(one, job)
        assert await said(one, "echo", b"a") == [{}, [97]]
        assert one.pid == first


@pytest.mark.parametrize(("job", "reason"), [("fail", "KeyError: 'x'"), ("none", "KeyError: 'none'")])
async def test_what_a_job_did_not_mean_to_raise_is_no_fault_of_the_document_and_is_logged_once_a_minute(
    isolated: Open, job: str, reason: str
) -> None:
    seconds = [0.0]
    async with isolated(now=lambda: seconds[0]) as one:
        with capture_logs() as told:
            for at in (0.0, 59.0, 60.0):
                seconds[0] = at
                with pytest.raises(Faulty, match=reason):
                    await said(one, job)
        assert await said(one, "echo", b"a") == [{}, [97]]
    assert [(line["event"], line["job"], line.get("untold")) for line in told] == [
        ("isolation.failed", job, None),
        ("isolation.failed", job, 1),
    ]
    assert told[0]["traceback"].startswith("Traceback")
    assert told[0]["traceback"].rstrip().endswith(reason)


async def test_a_traceback_is_kept_to_what_a_terminal_shows(isolated: Open) -> None:
    async with isolated() as one:
        with capture_logs() as told, pytest.raises(Faulty):
            await said(one, "paint")
    assert "\x1b" not in told[0]["traceback"]


@pytest.mark.parametrize("job", ["lie", "leave", "crash", "killed"])
async def test_a_process_that_answers_nonsense_or_ends_is_tried_once_more_and_is_no_fault_of_the_document(
    isolated: Open, job: str
) -> None:
    async with isolated() as one:
        with capture_logs() as told, pytest.raises(Unready, match="ended unexpectedly"):
            await said(one, job)
        assert await said(one, "echo", b"a") == [{}, [97]]
    assert [line["event"] for line in told] == ["isolation.ended"]
    assert one._told["isolation.ended"][1] == 1, "the second attempt is counted"


async def test_a_document_whose_process_was_killed_from_outside_is_read_by_the_next(isolated: Open) -> None:
    async with isolated() as one:
        await said(one, "echo")
        first = one.pid
        os.kill(first, signal.SIGSTOP)  # so that it surely holds the document when it ends
        reading = asyncio.create_task(said(one, "echo", b"a"))
        await until(one._turn.locked)
        os.kill(first, signal.SIGKILL)
        assert await reading == [{}, [97]]
        assert one.pid not in (None, first)


@pytest.mark.parametrize("left", [0, 1, 3])
async def test_a_process_for_which_no_descriptor_is_left_is_told_as_one_that_cannot_be_started(
    isolated: Open, left: int
) -> None:
    async with isolated() as one:
        with few_descriptors(left), pytest.raises(Unready, match="could not be started: Too many open files"):
            await said(one, "echo")
        assert await said(one, "echo", b"a") == [{}, [97]]


@contextmanager
def few_descriptors(left: int) -> Iterator[None]:
    """So many more files can be opened while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    held = []
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        for number in held[len(held) - left :]:
            os.close(number)
        del held[len(held) - left :]
        yield
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_process_that_cannot_be_started_is_told_as_that() -> None:
    one = Isolated("support.no_such_module", root=TESTS)
    with pytest.raises(Unready, match="could not be started"):
        await one.run("echo", b"", {})
    assert one.pid is None


async def test_one_that_was_killed_while_nobody_needed_it_is_replaced(isolated: Open) -> None:
    async with isolated() as one:
        await said(one, "echo")
        os.kill(one.pid, signal.SIGKILL)
        await one._process.wait()
        assert await said(one, "echo", b"a") == [{}, [97]]


async def test_what_prints_says_nothing_in_its_name(isolated: Open) -> None:
    async with isolated() as one:
        assert await said(one, "print") == [1]


async def test_it_starts_anew_where_something_else_must_be_ready(isolated: Open) -> None:
    async with isolated() as one:
        await one.run("echo", b"", {}, needs=["locale:id"])
        first = one.pid
        assert orjson.loads((await one.run("ready", b"", {}, needs=["locale:de"]))[0]) == ["locale:de", "locale:id"]
        second = one.pid
        await one.run("echo", b"", {}, needs=["locale:id"])
        assert first != second == one.pid


async def test_a_document_that_nobody_wants_any_more_ends_with_its_reader(isolated: Open) -> None:
    async with isolated() as one:
        await said(one, "echo")
        reading = asyncio.create_task(one.run("spin", b"", {}))
        await until(one._turn.locked)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert one.pid is None


async def test_closing_ends_it_in_the_middle_of_a_document(isolated: Open) -> None:
    async with isolated() as one:
        await said(one, "echo")
        reading = asyncio.create_task(one.run("spin", b"", {}))
        await until(one._turn.locked)
        waiting = asyncio.create_task(one.run("echo", b"", {}))
        await one.close()
        for task in (reading, waiting):
            with pytest.raises(Unready, match="is being stopped"):
                await task
        assert one.pid is None


async def test_an_idle_one_is_let_go(isolated: Open) -> None:
    async with isolated(idle=0.0) as one:
        await said(one, "echo")
        await until(lambda: one._leaving is not None)
        await one._leaving
        assert one.pid is None
        assert await said(one, "echo", b"a") == [{}, [97]]


async def test_documents_take_turns(isolated: Open) -> None:
    async with isolated() as one:
        answers = await asyncio.gather(*(said(one, "echo", bytes([n])) for n in range(20)))
    assert answers == [[{}, [n]] for n in range(20)]


SERVICE = """
import asyncio, sys
from pathlib import Path
from publisher.isolation import Isolated

async def main():
    one = Isolated("support.jobs", root=Path(sys.argv[1]))
    await one.run("echo", b"", {})
    print(one.pid, flush=True)
    await one.run("spin", b"", {})

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its input ends, which it sees after the document")
async def test_it_ends_with_a_service_that_is_killed_in_the_middle_of_a_document() -> None:
    service = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVICE, str(TESTS), stdout=PIPE)
    assert service.stdout is not None
    pid = int(await service.stdout.readline())
    service.kill()
    await service.wait()
    await until(lambda: gone(pid))


def gone(pid: int) -> bool:
    """Whether a process has ended, though nobody may have asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True
