"""The market of the sample newsroom: eleven indicators that wander and never rest. Pure: chance and time are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random

CENT = Decimal("0.01")
FARTHEST = Decimal("0.03")
"""How far from the previous close an indicator strays, as a part of it, before it is turned back."""


@dataclass(slots=True)
class Indicator:
    """One indicator: its exact value, the previous close, and the smallest step it moves by.

    The ticker shows the value in whole units, as tickers do, and the change with the digits of ``step``.
    """

    symbol: str
    value: Decimal
    close: Decimal
    step: Decimal

    @property
    def shown(self) -> Decimal:
        """The value as the ticker shows it."""
        return self.value.quantize(Decimal(1), ROUND_HALF_EVEN)

    @property
    def change(self) -> Decimal:
        """Against the previous close, in the indicator's unit."""
        return self.value - self.close

    @property
    def percent(self) -> Decimal:
        """Against the previous close, in per cent."""
        return (self.change * 100 / self.close).quantize(CENT)

    @property
    def direction(self) -> str:
        """The class that the ticker gives it: ``naik``, ``turun`` or ``tetap``."""
        return "naik" if self.change > 0 else "turun" if self.change < 0 else "tetap"


# symbol, previous close, where the simulation begins, step
_OPENING = (
    ("EMAS", "1533000", "1533000", "1000"),
    ("USD/IDR", "16104.00", "16199.00", "0.50"),
    ("IDX", "6977.37", "6984.00", "0.01"),
    ("KOMPAS100", "1041.32", "1040.00", "0.01"),
    ("LQ45", "818.41", "817.00", "0.01"),
    ("ISSI", "212.19", "212.00", "0.01"),
    ("IDX30", "417.10", "416.00", "0.01"),
    ("IDXHIDIV20", "503.67", "502.00", "0.01"),
    ("IDX80", "119.13", "119.00", "0.01"),
    ("IDXV30", "124.51", "124.00", "0.01"),
    ("IDXQ30", "139.27", "139.00", "0.01"),
)


class Market:
    """All indicators. :meth:`move` is one tick."""

    def __init__(self, chance: Random, day: date) -> None:
        self._chance = chance
        self._day = day
        self.indicators = [
            Indicator(symbol, Decimal(value), Decimal(close), Decimal(step)) for symbol, close, value, step in _OPENING
        ]

    def __getitem__(self, symbol: str) -> Indicator:
        return next(one for one in self.indicators if one.symbol == symbol)

    def move(self, day: date) -> list[str]:
        """Move a few indicators, each by at least one step; returns their symbols.

        On a new ``day``, what was last becomes the previous close.
        """
        if day != self._day:
            self._day = day
            for indicator in self.indicators:
                indicator.close = indicator.value
        chosen = self._chance.sample(self.indicators, self._chance.randint(2, 4))
        for indicator in chosen:
            indicator.value += self._stride(indicator)
        return [indicator.symbol for indicator in chosen]

    def _stride(self, indicator: Indicator) -> Decimal:
        longest = max(1, int(indicator.close / indicator.step / 5000))
        steps = self._chance.randint(1, longest) * indicator.step
        strayed = indicator.change / indicator.close / FARTHEST  # −1 … 1, and beyond only when it has gone too far
        falls = self._chance.uniform(-1, 1) < float(strayed)
        return -steps if falls else steps
