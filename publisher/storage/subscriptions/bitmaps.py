"""Bitmaps of seats. In memory a number whose bit ``n`` is seat ``n``; stored with its lowest byte first, and without
the zeros at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def packed(bits: int) -> bytes:
    """A bitmap as it is stored."""
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def unpacked(stored: bytes | None) -> int:
    """The inverse of :func:`packed`; None is empty."""
    return int.from_bytes(stored or b"", "little")


def of(seats: Iterable[int]) -> int:
    """The bitmap of these seats."""
    bits = 0
    for seat in seats:
        bits |= 1 << seat
    return bits


def seats(bits: int) -> Iterator[int]:
    """The seats in a bitmap, in order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
