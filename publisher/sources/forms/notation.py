"""Numbers that are text in a JSON document: in the locale that is said, unless the document belies it."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from publisher.errors import ReadError
from publisher.locale import parse_decimal

_WRITTEN = re.compile(r"[+-]?\d+(?:[.,]\d+)*", re.ASCII)
_BARE = re.compile(r"[^\d.,]+", re.ASCII)
"""What stands about the digits: signs and spaces, a currency."""
_UNCERTAIN = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


class Notation:
    """How one document writes its numbers.

    ``16.199`` is sixteen thousand in Indonesian and sixteen in English, and only beside another number does it show: a
    document that has ``95.50`` is not Indonesian. Then what could be read either way is ``uncertain``, by its symbol.
    """

    def __init__(self, locale: str) -> None:
        self._locale = locale
        self._foreign: str | None = None
        self._is_shown = False
        self._either: dict[str, str] = {}

    def of(self, symbol: str) -> Callable[[str], Decimal]:
        """What reads the numbers of one symbol. It raises ReadError."""
        return lambda text: self._read(symbol, text)

    @property
    def uncertain(self) -> set[str]:
        """The symbols of which a number could be another."""
        return set(self._either) if self._foreign is not None else set()

    @property
    def supposed(self) -> set[str]:
        """The symbols of which a number could be another, and nothing in the document shows that it is not."""
        return set() if self._is_shown else set(self._either)

    def supposition(self, symbol: str) -> str:
        """The warning for such a number where the source sets no locale."""
        return (
            f"{self._either[symbol]!r} is read as in the locale {self._locale!r}, the site's; in another it is a"
            " thousand times as much or as little: set the source's locale"
        )

    def text(self, symbol: str) -> str:
        """The number of a symbol that could be another."""
        return self._either[symbol]

    def doubt(self, symbol: str) -> str:
        """Why an observation is refused though its number could be read."""
        return (
            f"{self._either[symbol]!r} may be a thousand times as much or as little: {self._foreign!r} beside it is not"
            f" written as in the locale {self._locale!r}; set the source's locale"
        )

    def _advice(self, digits: str) -> str:
        try:
            parse_decimal(digits, "en")
        except ReadError:
            return "set the source's locale to that in which it writes"
        return 'if the source writes as programs do, set its locale to "en"'

    def _read(self, symbol: str, text: str) -> Decimal:
        digits = text.strip().removesuffix("%").strip()
        try:
            number = parse_decimal(text, self._locale)
        except ReadError as error:
            if not _WRITTEN.fullmatch(digits):
                raise
            self._foreign = self._foreign or digits
            raise ReadError(f"{error}; {self._advice(digits)}") from error
        bare = _BARE.sub("", text).strip(".,")
        if _UNCERTAIN.fullmatch(bare):
            self._either.setdefault(symbol, bare)
        elif "." in bare or "," in bare:
            self._is_shown = True  # it can be read in one way only
        return number
