"""Kinds of sources that tests can look into. An installation names one as ``support.kinds:Watched``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from publisher.model.base import Frozen
from publisher.model.observed import Batch
from publisher.sources.base import Source, SourceContext


class Options(Frozen):
    """``held``: a reading lasts until :attr:`Watched.free` is set. ``broken``: it cannot be made."""

    marker: str = ""
    held: bool = False
    broken: bool = False


class Watched(Source):
    """Finds nothing, and notes what is done with it."""

    kind = "watched"
    Options = Options
    made: ClassVar[list[Watched]] = []
    free: ClassVar[asyncio.Event]

    def __init__(self, name: str, options: Any, context: SourceContext) -> None:
        super().__init__(name, options, context)
        if options.broken:
            raise RuntimeError("cannot be made")
        self.readings = 0
        self.begun = asyncio.Event()
        self.closed = False
        Watched.made.append(self)

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        self.readings += 1
        self.begun.set()
        if self.options.held:
            await Watched.free.wait()
        assert not self.closed, "closed while it was being read"
        return Batch()

    async def close(self) -> None:
        self.closed = True
