"""The formats of feeds: a file each. One is known by lying here; see :class:`~publisher.render.format.Format`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from publisher.imports import classes_of
from publisher.render.format import Format


class Formats(Mapping[str, Format]):
    """Every format by its name, in the order in which people see them; the files are read when first asked for."""

    def __init__(self) -> None:
        self._found: dict[str, Format] | None = None

    def __getitem__(self, name: str) -> Format:
        return self._all[name]

    def __contains__(self, name: object) -> bool:
        return name in (self._found or self._all)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def first(self) -> Format:
        """The one that stands for a feed where there is room for one address."""
        return next(iter(self._all.values()))

    @property
    def printed(self) -> Format:
        """The one that is printed where none is asked for."""
        return next((one for one in self._all.values() if one.printed), self.first)

    @property
    def for_programs(self) -> Format:
        """The one that a program is told to read."""
        return next((one for one in self._all.values() if one.for_programs), self.first)

    def discover(self) -> None:
        """Read the files of this package. Raises ValueError for two formats of one name."""
        made = [kind() for kind in classes_of(__name__, __path__, Format)]  # type: ignore[type-abstract]  # to compare
        found = {one.name: one for one in sorted(made, key=lambda one: (one.place, one.name))}
        if len(found) < len(made):
            raise ValueError(f"two feed formats have one name: {', '.join(sorted(one.name for one in made))}")
        self._found = found

    @property
    def _all(self) -> dict[str, Format]:
        if self._found is None:
            self.discover()
        assert self._found is not None
        return self._found


FORMATS = Formats()
"""Every format by the ending of its URLs."""
