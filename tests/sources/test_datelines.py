"""Datelines as newsrooms write them, and first words that are none."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.sources.forms.datelines import dateline, fits


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ("KONTAN.CO.ID - JAKARTA. ", "JAKARTA"),
        ("KONTAN.CO.ID - ST. PETERSBURG. ", "ST. PETERSBURG"),
        ("KONTAN.CO.ID - WASHINGTON, D.C. ", "WASHINGTON, D.C."),
        ("KONTAN.CO.ID – JAKARTA – ", "JAKARTA"),
        ("KONTAN.CO.ID - JAKARTA/BANDUNG. ", "JAKARTA/BANDUNG"),
        ("KONTAN.CO.ID - Jakarta. ", "Jakarta"),
        ("KONTAN.CO.ID - JAKARTA (8/2). ", "JAKARTA"),
        ("KONTAN.CO.ID - JAKARTA, Kamis (8/2). ", "JAKARTA"),
        ("JAKARTA, (8/2/2024). ", "JAKARTA"),
        ("KONTAN.CO.ID - SOLO. ", "SOLO"),
        ("JAKARTA, KOMPAS.com - ", "JAKARTA"),
        ("TEMPO.CO, Jakarta - ", "Jakarta"),
        ("REPUBLIKA.CO.ID, JAKARTA -- ", "JAKARTA"),
        ("Bisnis.com, TELUK WANGI — ", "TELUK WANGI"),
        ("Jakarta, CNBC Indonesia - ", "Jakarta"),
        ("Jakarta (ANTARA) - ", "Jakarta"),
        ("SURABAYA (Antaranews) - ", "SURABAYA"),
        ("Teluk Wangi (ANTARA) - ", "Teluk Wangi"),
        ("ST. LOUIS (AP) — ", "ST. LOUIS"),
        ("St. Gallen (sda) - ", "St. Gallen"),
        ("WASHINGTON, D.C., Nov 3 (Reuters) – ", "WASHINGTON, D.C."),
        ("LONDON/NEW YORK (Reuters) - ", "LONDON/NEW YORK"),
        ("MOSKAU/KIEW (dpa/lnw) - ", "MOSKAU/KIEW"),
        ("Frankfurt/Main (dpa) - ", "Frankfurt/Main"),
        ("Paris, le 3 novembre 2024 (AFP) — ", "Paris"),
        ("Madrid, 3 nov (EFE).- ", "Madrid"),
        ("Roma, 3 nov. (askanews) - ", "Roma"),
        ("PORTLAND, Ore. (AP) — ", "PORTLAND, Ore."),
        ("MINNEAPOLIS-ST. PAUL (AP) — ", "MINNEAPOLIS-ST. PAUL"),
        ("TOKYO, Nov. 3 (Kyodo) -- ", "TOKYO"),
        ("KONTAN.CO.ID - TOKYO, Nov. 3 (Kyodo) -- ", "TOKYO"),
        ("Jakarta, 3 November 2024 - ", "Jakarta"),
        ("NEW DELHI: ", "NEW DELHI"),
        ("MOSKOW. ", "MOSKOW"),
        ("Jakarta - ", "Jakarta"),
        ("LONDON—", "LONDON"),
        ("JAKARTA- ", "JAKARTA"),
    ],
)
def test_the_place_is_taken_and_the_sentence_keeps_its_words(before: str, place: str) -> None:
    found = dateline(before + "Hasil panen naik. Harga turun.")
    assert (found.place, found.rest, found.doubt) == (place, "Hasil panen naik. Harga turun.", None)


@pytest.mark.parametrize(
    "text",
    [
        "Hasil panen naik tiga persen. Harga turun.",
        "NASA – the agency – said so.",
        "Bundesliga - Der Verein siegt.",
        "Jakarta – Bandung kini lebih dekat.",
        "Paris – die Stadt der Liebe.",
        "U.S. President Ella North left.",
        "Kompas.com, the site, said - no.",
        "Presiden (kiri) - Hadir.",
        "Sukses. Itulah kata yang tepat.",
        "BREAKING - Hasil panen naik.",
        "",
        "-",
        "Dr. Wulan Pertiwi menyebutnya.",
    ],
)
def test_a_text_without_a_dateline_stays_as_it_is(text: str) -> None:
    found = dateline(text)
    assert (found.place, found.rest, found.doubt) == (None, text, None)


@pytest.mark.parametrize(
    "text",
    [
        "NASA – The agency said so.",
        "TELUK WANGI - Hasil panen naik.",
        "JAKARTA - BANDUNG kini lebih dekat.",
        "KONTAN.CO.ID - PLN. Perusahaan itu rugi.",
        "KONTAN.CO.ID - Luar Biasa. Itulah kata yang tepat.",
        "Liputan6.com, Jakarta Presiden hadir.",
        "KONTAN.CO.ID - JAKARTA Hasil panen naik.",
    ],
)
def test_what_could_be_the_sentences_own_words_is_told_and_left(text: str) -> None:
    found = dateline(text)
    assert (found.place, found.rest) == (None, text)
    assert "it is left there" in (found.doubt or "")


def test_a_house_without_a_place_is_no_place() -> None:
    found = dateline("KONTAN.CO.ID - Hasil panen naik tiga persen. Harga turun.")
    assert (found.place, found.rest, found.doubt) == (None, "Hasil panen naik tiga persen. Harga turun.", None)


def test_the_mark_of_a_house_that_is_known_stands_before_any_place() -> None:
    text = "WARTA NIAGA - TELUK WANGI. Hasil panen naik."
    assert dateline(text, after=len("WARTA NIAGA - ")).place == "TELUK WANGI"


@pytest.mark.parametrize(("place", "rest", "right"), [
    ("JAKARTA", "Hasil panen", True), ("ST", "PETERSBURG. Hasil", False), ("WASHINGTON, D.C", "The president", True),
    ("Hasil panen naik tiga persen", "Harga turun.", False), ("St", "Gallen. Der", False), ("Rp 5", "Juta", False),
])  # fmt: skip
def test_what_a_pattern_took_is_looked_at(place: str, rest: str, right: bool) -> None:
    assert fits(place, rest) is right


PLACES = ["JAKARTA", "ST. PETERSBURG", "LONDON/NEW YORK", "TELUK WANGI", "ST. LOUIS", "RIO DE JANEIRO", "KUALA LUMPUR"]
FORMS = ["KONTAN.CO.ID - {}. ", "KONTAN.CO.ID – {} – ", "{} (Reuters) - ", "{} (ANTARA) — ", "{}, KOMPAS.com - ",
         "TEMPO.CO, {} - ", "{}, Nov 3 (AP) -- ", "{}, 3 November (AFP) - "]  # fmt: skip
SENTENCES = [
    "Hasil panen naik tiga persen.",
    "The bank said: no. It waits.",
    '"Ya," kata Wulan.',
    "Rp 5 juta - hilang.",
]


@settings(deadline=None)
@given(st.sampled_from(FORMS), st.sampled_from(PLACES), st.sampled_from(SENTENCES))
def test_any_place_in_any_form_comes_back(form: str, place: str, sentence: str) -> None:
    found = dateline(form.format(place) + sentence)
    assert (found.place, found.rest, found.doubt) == (place, sentence, None)


PIECES = ["JAKARTA", "NASA", "Hasil", "panen", "ST.", "D.C.", "(AP)", "(kiri)", "KOMPAS.com", "3 Nov", "/", " ",
          " - ", ". ", ", ", " – ", ": "]  # fmt: skip
pieces = st.sampled_from(PIECES)


@settings(deadline=None)
@given(st.lists(pieces, max_size=14).map("".join) | st.text(max_size=60))
def test_dateline_and_text_together_are_the_paragraph(text: str) -> None:
    found = dateline(text)
    assert found.prefix + found.rest == text
    assert found.place is None or found.place in found.prefix


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["panen", "naik", "tiga", "persen", "di", "sawah", "kami", "itu"]), min_size=2, max_size=9)
)
def test_a_sentence_of_small_letters_is_never_cut(words: list[str]) -> None:
    text = f"{' '.join(words).capitalize()}. Harga turun - lagi."
    assert dateline(text).rest == text


@pytest.mark.parametrize("piece", ["A", "A ", "A. ", "ST. ", "(", "A/", "A, ", "1 ", "- ", "A.", "a-", ")("])
def test_a_long_paragraph_takes_no_long_time(piece: str) -> None:
    started = time.perf_counter()
    dateline(piece * 20_000)
    dateline("JAKARTA " + piece * 20_000)
    assert time.perf_counter() - started < 0.5
