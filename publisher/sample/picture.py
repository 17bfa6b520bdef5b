"""Illustrations drawn from a word: a skyline under a sky, the same for the same word, as PNG."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from random import Random

WIDTH, HEIGHT = 640, 400
_PALETTES = (
    ("#dfe9e4", "#b9d0c6", "#7fa596", "#3f6b5b", "#16382c"),
    ("#f1e6d6", "#dcc3a1", "#b98f68", "#7a5541", "#3a2822"),
    ("#dde6ef", "#b3c7da", "#7b99b8", "#436385", "#1a2f47"),
    ("#efe0e0", "#d3b3b5", "#a97e85", "#704c58", "#35222c"),
)


@lru_cache(maxsize=64)
def draw(word: str) -> bytes:
    """A PNG of 640 × 400 pixels."""
    chance = Random(word)
    palette = chance.choice(_PALETTES)
    ridges = [_ridge(chance, 190 - 45 * layer, 26 + 10 * layer) for layer in range(4)]
    sun_x, sun_y, sun_r = chance.randint(90, 550), chance.randint(60, 150), chance.randint(24, 44)
    rows = []
    for y in range(HEIGHT):
        row = bytearray(WIDTH)
        if abs(y - sun_y) < sun_r:
            half = int((sun_r**2 - (y - sun_y) ** 2) ** 0.5)
            row[sun_x - half : sun_x + half] = b"\x01" * (2 * half)
        for shade, ridge in enumerate(ridges, start=1):
            for start, end, height in ridge:
                if HEIGHT - y <= height:
                    row[start:end] = bytes((shade,)) * (end - start)
        rows.append(b"\0" + bytes(row))
    colours = b"".join(bytes.fromhex(colour[1:]) for colour in palette)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", header),
            (b"PLTE", colours),
            (b"IDAT", zlib.compress(b"".join(rows), 9)),
            (b"IEND", b""),
        )
    )


def _ridge(chance: Random, height: int, width: int) -> list[tuple[int, int, int]]:
    """Blocks side by side, as (from, to, height)."""
    blocks, x = [], 0
    while x < WIDTH:
        end = min(WIDTH, x + chance.randint(width // 2, width * 2))
        blocks.append((x, end, height + chance.randint(-40, 40)))
        x = end
    return blocks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
