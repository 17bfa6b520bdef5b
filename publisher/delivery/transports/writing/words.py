"""Every word that messages say of themselves, in each language; what they tell of is in its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language. ``{site}`` is the site's title."""

    updated: str
    withdrawn: str
    corrected: str
    held: str
    held_text: str
    alert: str
    closed: str
    source_failing: str
    source_recovered: str
    webhook_disabled: str
    webhook_access: str
    webhook_failing: str
    test: str
    test_text: str
    article: str
    read_on: str
    open: str


_WORDS = {
    "en": Words(
        updated="Updated",
        withdrawn="Withdrawn",
        corrected="Corrected",
        held="Held for checking",
        held_text="Not published until a second reading agrees.",
        alert="Alert",
        closed="At the close",
        source_failing="Source failing",
        source_recovered="Source recovered",
        webhook_disabled="Webhook disabled",
        webhook_access="Webhook access changed",
        webhook_failing="Webhook failing",
        test="Test",
        test_text="What {site} tells arrives here.",
        article="article",
        read_on="Read on",
        open="Open",
    ),
    "id": Words(
        updated="Diperbarui",
        withdrawn="Ditarik",
        corrected="Dikoreksi",
        held="Ditahan untuk diperiksa",
        held_text="Belum diterbitkan sampai pembacaan kedua sesuai.",
        alert="Peringatan",
        closed="Saat penutupan",
        source_failing="Sumber gagal",
        source_recovered="Sumber pulih",
        webhook_disabled="Webhook dinonaktifkan",
        webhook_access="Akses webhook berubah",
        webhook_failing="Webhook gagal",
        test="Uji coba",
        test_text="Kabar dari {site} sampai di sini.",
        article="artikel",
        read_on="Baca selengkapnya",
        open="Buka",
    ),
}

LANGUAGES = tuple(_WORDS)
"""Those that messages have words in."""


def words(language: str) -> Words:
    """The words of a language, in English where it is none of ours."""
    return _WORDS.get(language.partition("-")[0].lower(), _WORDS["en"])
