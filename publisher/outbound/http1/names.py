"""Names as addresses: asked once for all who wait, without blocking anyone, and kept for some seconds."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable

from aiohttp.abc import AbstractResolver

from publisher.outbound.http1.target import Address, address

KEPT_SECONDS = 10.0
KEPT_NAMES = 4096
MOST_ADDRESSES = 8
"""Of one name; the rest is not tried."""

Found = Callable[[tuple[Address, ...], Exception | None], None]
"""Given the addresses of a name, or none and why."""


class Names:
    """What names resolve to, by what ``resolver`` returns. Belongs to one event loop; end it with :meth:`close`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, resolver: Callable[[], AbstractResolver]) -> None:
        self._loop = loop
        self._resolver = resolver
        self._kept: OrderedDict[tuple[str, int], tuple[float, tuple[Address, ...]]] = OrderedDict()
        self._asking: dict[tuple[str, int], tuple[asyncio.Task[None], list[Found]]] = {}

    def known(self, host: str, port: int) -> tuple[Address, ...] | None:
        """What it resolved to within the last seconds; None where it has to be asked for."""
        kept = self._kept.get((host, port))
        if kept is None or kept[0] < self._loop.time():
            return None
        return kept[1]

    def find(self, host: str, port: int, found: Found) -> None:
        """Ask, and call ``found`` from the event loop."""
        key = (host, port)
        if (asking := self._asking.get(key)) is not None:
            asking[1].append(found)
            return
        self._asking[key] = (self._loop.create_task(self._ask(key)), [found])

    def close(self) -> None:
        """Ask no further; whoever waits is told nothing."""
        for task, _ in self._asking.values():
            task.cancel()
        self._asking.clear()

    async def _ask(self, key: tuple[str, int]) -> None:
        addresses: tuple[Address, ...] = ()
        error: Exception | None = None
        try:
            answers = await self._resolver().resolve(*key, family=socket.AF_UNSPEC)
            addresses = _in_turns([address(one["host"], one["port"]) for one in answers])[:MOST_ADDRESSES]
        except asyncio.CancelledError:  # by the resolver; where it was close(), nobody waits
            error = OSError("it was no longer asked for")
        except Exception as fault:  # whatever it is, the name does not resolve
            error = fault
        if not addresses:
            error = error or OSError("no address")
        else:
            self._kept[key] = (self._loop.time() + KEPT_SECONDS, addresses)
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT_NAMES:
                self._kept.popitem(last=False)
        _, waiting = self._asking.pop(key, (None, ()))
        for found in waiting:
            self._loop.call_soon(found, addresses, error)


def _in_turns(addresses: list[Address]) -> tuple[Address, ...]:
    """The families in turns, beginning with that of the first (RFC 8305 section 4)."""
    first = [one for one in addresses if one[0] == addresses[0][0]]
    other = [one for one in addresses if one[0] != addresses[0][0]]
    both = [one for pair in zip(first, other, strict=False) for one in pair]
    rest = first[len(other) :] or other[len(first) :]
    return (*both, *rest)
