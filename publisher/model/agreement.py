"""Whether the three numbers of an observation can be true of one market: value, change and percent. Pure.

The previous close is the value less the change, and the percent is the change as a part of it. Sources round or cut off
each number as they please, so each stands for all within one unit of its last digit.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import product

SLACK = Decimal("0.02")
"""Per cent points that are always allowed: pages that give hundredths are off by up to 0.0099."""

_CUT = Decimal("0.01")
_GROUP, _THOUSAND = 3, 1000
# Whatever is divided here has 40 digits at most, and is only compared.
_DIGITS = 60


def contradiction(value: Decimal, change: Decimal | None, percent: Decimal | None) -> str | None:
    """Why the numbers of an observation contradict each other, with what they would give; None where they may be true.

    What is missing is not checked. Where the previous close was zero, the percent may be zero; where it was below zero,
    the percent may have either sign: sources write both.
    """
    if change is None or percent is None:
        return None
    with localcontext() as context:
        context.prec = _DIGITS
        previous = value - change
        if change * percent < 0 and previous > 0:
            return f"the change {_n(change)} and the percent {_n(percent)} have opposite signs"
        if _may_be(value, change, percent):
            return None
        exact = f"{100 * change / previous:+.2f}" if previous else "no number of"
        return (
            f"value {_n(value)} and change {_n(change)} give a previous close of {_n(previous)} and"
            f" {exact} per cent, not {_n(percent)}"
        )


def doubt(value: Decimal, change: Decimal | None, percent: Decimal | None) -> str | None:
    """What is odd about a value and a change that no percent confirms: that the change is larger than the value."""
    if change is None or percent is not None or not value:
        return None
    with localcontext() as context:
        context.prec = _DIGITS
        previous = value - change
        if previous * value >= 0 and abs(change) <= abs(value):
            return None
        other = ", of another sign" if previous * value < 0 else ", more than twice as far from zero"
        return f"value {_n(value)} and change {_n(change)} give a previous close of {_n(previous)}{other}"


def misread(value: Decimal, change: Decimal | None, percent: Decimal | None, decimals: int) -> str | None:
    """What is odd about a value that was written as text: it looks as thousands do, and was read as a fraction.

    ``decimals`` are those that the indicator is shown with. ``16.199`` is sixteen, or what an Indonesian would write. A
    change and a percent that agree with it show that it was read as it was meant, unless they are zero.
    """
    if change and percent:
        return None
    exponent = value.as_tuple().exponent
    if (
        exponent != -_GROUP
        or decimals >= _GROUP
        or not 1 <= abs(value) < _THOUSAND
        or value == value.to_integral_value()
    ):
        return None
    meant = _n(value.scaleb(_GROUP))
    return f"the value {_n(value)} has three decimals, and this indicator is shown with {decimals}: is it {meant}?"


def _may_be(value: Decimal, change: Decimal, percent: Decimal) -> bool:
    """Whether numbers that are written so may be those of one market."""
    moves = [(moved, standing - moved) for standing, moved in product(_around(value), _around(change))]
    before = [previous for _, previous in moves]
    allowed = max(SLACK, _unit(percent) + _CUT)
    if min(before) <= 0 <= max(before):  # a part of next to nothing: many per cent, or none that anybody gives
        least = max(abs(change) - _unit(change), Decimal(0)) * 100 / max(map(abs, before))
        return not percent or abs(percent) >= least - allowed
    found = [100 * moved / previous for moved, previous in moves]  # at the corners it is lowest and highest
    given = (percent, -percent) if before[0] < 0 else (percent,)
    return any(min(found) - allowed <= one <= max(found) + allowed for one in given)


def _around(number: Decimal) -> tuple[Decimal, Decimal]:
    return number - _unit(number), number + _unit(number)


def _unit(number: Decimal) -> Decimal:
    """One unit of the last digit that was written: 0.01 of 95.00, 1 of 95."""
    exponent = number.as_tuple().exponent
    return Decimal(1).scaleb(min(exponent, 0) if isinstance(exponent, int) else 0)


def _n(number: Decimal) -> str:
    return format(number, "f")
