"""The sources' readers: made when needed, and kept as long as their definition stays the same."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher import telemetry
from publisher.catalog import SourceDefinition
from publisher.sources.base import Source

log = telemetry.logger(__name__)

Make = Callable[[SourceDefinition], Source]


@dataclass(eq=False, slots=True)
class Reader:
    """A source's reader; ``lent`` counts the readings under way."""

    definition: SourceDefinition
    source: Source
    lent: int = 0


class Readers:
    """One reader for each source. ``make`` builds one; a custom kind may raise anything there."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._open: set[Reader] = set()
        self._held: dict[str, Reader] = {}

    def of(self, definition: SourceDefinition) -> Source:
        """The reader of this source, made now if there is none."""
        return self._hold(definition).source

    @contextlib.asynccontextmanager
    async def lent(self, definition: SourceDefinition) -> AsyncIterator[Source]:
        """Lend the reader of this source for one reading; it is not closed before that ends."""
        reader = self._hold(definition)
        reader.lent += 1
        try:
            yield reader.source
        finally:
            reader.lent -= 1
            await self.sweep()

    def prepared(self, definitions: Iterable[SourceDefinition], anew: Make | None = None) -> dict[str, Reader]:
        """A reader for each of these: the present one if the source is read as before, else a new one.

        With ``anew`` each is new and made by that. Nothing is replaced yet. Raises whatever a kind raises.
        """
        make = anew or self._make
        return {one.name: (None if anew else self._fitting(one)) or Reader(one, make(one)) for one in definitions}

    @property
    def held(self) -> Mapping[str, Reader]:
        """The present readers by name."""
        return self._held

    def replace(self, readers: Mapping[str, Reader]) -> None:
        """Use these from now on; :meth:`sweep` closes the previous ones."""
        self._held = dict(readers)
        self._open.update(self._held.values())

    def reject(self, readers: Mapping[str, Reader]) -> None:
        """Discard these; :meth:`sweep` closes those that are not in use."""
        self._open.update(readers.values())

    async def sweep(self) -> None:
        """Close the readers that are no longer in use, unless one is reading."""
        held = set(self._held.values())
        for reader in [one for one in self._open - held if not one.lent]:
            await self._close(reader)

    async def close(self) -> None:
        """Close every reader."""
        self._held = {}
        for reader in tuple(self._open):
            await self._close(reader)

    def _hold(self, definition: SourceDefinition) -> Reader:
        reader = self._held.get(definition.name)
        if reader is None:
            reader = self._held[definition.name] = Reader(definition, self._make(definition))
            self._open.add(reader)
        return reader

    def _fitting(self, definition: SourceDefinition) -> Reader | None:
        held = self._held.get(definition.name)
        return held if held is not None and _how(held.definition) == _how(definition) else None

    async def _close(self, reader: Reader) -> None:
        self._open.discard(reader)
        try:
            await reader.source.close()
        except Exception:  # a kind may be custom code
            log.exception("source.close_failed", source=reader.definition.name)


def folders(readers: Mapping[str, Reader]) -> dict[str, Path]:
    """The folder of each source that is read when a file in it changes."""
    paths = {name: reader.source.watch_path() for name, reader in readers.items()}
    return {name: path for name, path in paths.items() if path is not None}


def _how(definition: SourceDefinition) -> tuple[object, ...]:
    """The part of a definition that says how a source is read, as opposed to when."""
    return definition.kind, definition.options, definition.profile
