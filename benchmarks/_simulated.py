"""Endpoints without a network: what everything but HTTP costs.

In the service's process, the client's way to POST is replaced by one that answers in the next turn of the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any, NamedTuple

from publisher import outbound
from publisher.outbound import Outbound, PostResult

TAKEN = PostResult(204)
FAILED = PostResult(500, response_excerpt="simulated")


class Simulation(NamedTuple):
    """One request in ``failing`` is answered 500, none if it is 0; ``silent``: none is ever answered."""

    failing: int = 0
    silent: bool = False


class _Sending:
    """A request under way, of which only its end is left."""

    __slots__ = ("_done", "_handle")

    def __init__(self, done: Callable[[PostResult], None]) -> None:
        self._done = done
        self._handle: asyncio.Handle | None = None

    def begin(self, result: PostResult, begins: Callable[[], bool] | None) -> None:
        def end() -> None:
            may = begins is None or begins()
            self._done(result if may else PostResult(None, stopped=True))  # type: ignore[call-arg]

        self._handle = asyncio.get_running_loop().call_soon(end)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        asyncio.get_running_loop().call_soon(self._done, PostResult(None, "cancelled"))


def install(simulation: Simulation) -> None:
    """Answer every POST of this process so."""
    numbers = count(1)

    def result() -> PostResult:
        return FAILED if simulation.failing and next(numbers) % simulation.failing == 0 else TAKEN

    async def post(
        self: Outbound, url: str, body: bytes, headers: Mapping[str, str], timeout: float | None = None, **more: Any
    ) -> PostResult:
        begins: Callable[[], bool] | None = more.get("begins")
        ask: Callable[[], Awaitable[None]] | None = more.get("before")
        if present := getattr(outbound, "BEFORE_SENDING", None):
            ask = present.get()
        if ask is not None and (begins is None or not begins()):
            await ask()
        if simulation.silent:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return result()

    def send(
        self: Outbound,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float,
        done: Callable[[PostResult], None],
        *,
        begins: Callable[[], bool] | None = None,
        **_more: Any,
    ) -> _Sending:
        sending = _Sending(done)
        if not simulation.silent:
            sending.begin(result(), begins)
        return sending

    Outbound.post = post  # type: ignore[method-assign]
    Outbound.send = send  # type: ignore[attr-defined]
