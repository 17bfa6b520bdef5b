"""Pages without a profile, put together from what they state, and read."""

from __future__ import annotations

import json

from publisher.sources.html.unprofiled.page import read_any
from publisher.sources.reading.draft import Reading

URL = "https://kanal.example/berita/panen-padi-naik"


def read(html: str, *, url: str = URL, language: str = "id", timezone: str = "Asia/Jakarta") -> Reading:
    """A page as a source in Jakarta reads it."""
    return read_any(html.encode(), origin=url, url=url, language=language, timezone=timezone)


def page(*head: str, lang: str = "", body: str = "") -> str:
    """A page with these elements in its head."""
    named = f" lang={lang}" if lang else ""
    return f"<!doctype html><html{named}><head><meta charset=utf-8>{''.join(head)}</head><body>{body}</body></html>"


def json_ld(document: object) -> str:
    """A script of JSON-LD."""
    return f'<script type="application/ld+json">{json.dumps(document)}</script>'


def meta(**properties: str) -> str:
    """``meta`` elements; two underscores stand for a colon."""
    return "".join(
        f'<meta property="{name.replace("__", ":")}" content="{value}">' for name, value in properties.items()
    )


def paragraphs(count: int = 6, what: str = "panen") -> str:
    """So many paragraphs as an article has them."""
    return "".join(
        f"<p>Alinea nomor {n} menjelaskan {what} di desa ke-{n}, dengan angka 1.5{n}0 ton dan harga yang naik lagi.</p>"
        for n in range(1, count + 1)
    )


def told(reading: Reading, field: str) -> list[str]:
    """What is said of a field."""
    return [one.message for one in reading.problems if one.field == field]
