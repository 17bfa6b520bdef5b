"""Captions and credits as newsrooms write them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.sources.forms.credits import Credited, credited

CAPTIONS = ["Petani menjemur padi.", "Petani (kiri) di sawah, Senin (20/5/2024).", "A man walks to work.", "Was nun?"]


@pytest.mark.parametrize("caption", CAPTIONS)
@pytest.mark.parametrize(
    ("written", "credit"),
    [
        ("ANTARA FOTO/Bagas Prakoso", "ANTARA FOTO/Bagas Prakoso"),
        ("ANTARA FOTO/Bagas Prakoso/wsj.", "ANTARA FOTO/Bagas Prakoso/wsj."),
        ("KONTAN/Bagas", "KONTAN/Bagas"),
        ("KONTAN/Bagas Prakoso/10/01/2024", "KONTAN/Bagas Prakoso/10/01/2024"),
        ("M. Bagas/ANTARA", "M. Bagas/ANTARA"),
        ("REUTERS/Ella North", "REUTERS/Ella North"),
        ("Agency/Ella North/Palace via REUTERS", "Agency/Ella North/Palace via REUTERS"),
        ("Warta Niaga/Wulan Pertiwi", "Warta Niaga/Wulan Pertiwi"),
        ("Ella North/The Guardian", "Ella North/The Guardian"),
        ("Getty Images", "Getty Images"),
        ("© AFP", "© AFP"),
        ("© picture alliance/dpa", "© picture alliance/dpa"),
        ("Dok. Pribadi", "Dok. Pribadi"),
        ("Istimewa", "Istimewa"),
        ("Photo by Ella North", "Ella North"),
        ("Foto: Bagas Prakoso", "Bagas Prakoso"),
        ("Foto: dpa/Jörg Müller", "dpa/Jörg Müller"),
        ("Credit: Ella North for The New York Times", "Ella North for The New York Times"),
        ("| Photo: Ella North", "Ella North"),
        ("(Foto: Bagas/ANTARA)", "Bagas/ANTARA"),
        ("(Foto: dok. Kementan)", "dok. Kementan"),
        ("(AP Photo/Ella North, File)", "AP Photo/Ella North, File"),
        ("(Shutterstock)", "Shutterstock"),
        ("[Photo: Ella North/AP]", "Ella North/AP"),
        ("Photo courtesy of NASA", "Photo courtesy of NASA"),
    ],
)
def test_a_credit_in_its_form_is_the_credit(caption: str, written: str, credit: str) -> None:
    assert credited(f"{caption} {written}") == Credited(caption, credit)


@pytest.mark.parametrize("text", [
    "Petani di sawah ANTARA FOTO/Bagas Prakoso", "Petani di sawah KONTAN/Bagas", "Petani di sawah © AFP",
    "Petani di sawah (Getty Images)", "Petani di sawah (Foto: Bagas)", "Petani di sawah | REUTERS",
])  # fmt: skip
def test_a_caption_needs_no_period_before_a_plain_credit(text: str) -> None:
    assert credited(text).caption == "Petani di sawah"


@pytest.mark.parametrize("text", [
    "Petani (kiri) di sawah", "Petani di sawah, Senin (20/5/2024)", "Presiden (kiri)", "Harga Rp 5/kg. Naik",
    "Ayah/Ibu Bagas hadir.", "Menteri Bagas (kanan) dan Wulan (kiri).", "A man in Paris. May 2024.",
    "Suasana pagi. Jakarta",
    "Lampu/AC mati. Warga/pengunjung pulang", "Gempa M 5,4/Cianjur", "Foto: Presiden berbicara di Istana.",
    "Petani (ANTARA) di sawah", "Foto Presiden di dinding", "Sumber: air itu kering sejak lama di desa.",
    "Skor akhir. 2/1", "Rute. 20/5", "Foto di Istana", "Pameran. Foto Presiden Ella North",
])  # fmt: skip
def test_what_has_no_credits_form_is_caption(text: str) -> None:
    assert credited(text) == Credited(text)


@pytest.mark.parametrize(
    ("text", "credit"),
    [("(Getty Images)", "Getty Images"), ("REUTERS/Ella North", "REUTERS/Ella North"), ("© AFP", "© AFP"),
     ("Photo by Ella North", "Ella North"), ("Foto: Dok. Pribadi", "Dok. Pribadi"), ("via REUTERS", "via REUTERS")],
)  # fmt: skip
def test_a_credit_may_stand_alone(text: str, credit: str) -> None:
    assert credited(text) == Credited(None, credit)


def test_who_is_shown_and_whose_picture_it_is_may_look_alike_and_is_told() -> None:
    found = credited("Foto: Ella North")
    assert found.credit == "Ella North"
    assert "may be who is shown" in (found.doubt or "")


def test_a_credit_within_a_caption_is_told_and_left() -> None:
    text = "Petani di sawah KONTAN/Bagas sedang menjemur padi dan menunggu matahari di ladang."
    assert credited(text) == Credited(text, None, "a credit may stand within the caption; it is left there")


PLAIN = ["Petani", "menjemur", "padi", "di", "sawah,", "Senin", "(20/5/2024).", "(kiri)", "dan", "Wulan.", "Rp", "5",
         "juta;", "hadir.", '"Ya,"', "katanya.", "18%", "2024"]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=15).map(" ".join))
def test_a_text_without_a_credits_form_loses_nothing(text: str) -> None:
    found = credited(text)
    assert (found.caption, found.credit) == (text, None)


WHO = [
    "ANTARA FOTO/Bagas Prakoso",
    "KONTAN/Wulan",
    "REUTERS/Ella North",
    "Getty Images",
    "© AFP",
    "Agency/Ella North via AP",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=12).map(" ".join), st.sampled_from(WHO))
def test_any_caption_keeps_all_its_words_before_a_credit(words: str, credit: str) -> None:
    caption = f"{words} selesai."
    assert credited(f"{caption} {credit}") == Credited(caption, credit)


@settings(deadline=None)
@given(st.text(max_size=100))
def test_nothing_is_put_in_or_put_elsewhere(text: str) -> None:
    found = credited(text)
    shown = " ".join(text.split())
    assert (found.caption or "") in shown
    assert (found.credit or "") in shown
    assert shown.startswith(found.caption or "")


@pytest.mark.parametrize("piece", ["A/", "a. ", "(", "Foto: ", "KONTAN/A ", "A via ", "© ", "|", ". ", "A/B "])
def test_a_long_caption_takes_no_long_time(piece: str) -> None:
    started = time.perf_counter()
    credited(piece * (1_900 // len(piece)))
    credited(piece * 20_000)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "tail",
    ["Foto Istimewa", "kontan/bagas", "Bagas Prakoso for Kanal", "File photo", "Bagas Prakoso dan Wulan Pertiwi"],
)
def test_what_could_be_a_credit_and_stays_in_the_caption_is_told(tail: str) -> None:
    found = credited(f"Petani di sawah. {tail}")
    assert (found.caption, found.credit) == (f"Petani di sawah. {tail}", None)
    assert found.doubt is not None


@pytest.mark.parametrize(
    "caption",
    ["Petani di sawah. Hasilnya naik tahun ini", "Petani di sawah, Ambon. Senin (20/5/2024)", "Petani. Hasilnya naik."],
)
def test_a_further_sentence_of_a_caption_is_no_credit(caption: str) -> None:
    assert credited(caption).doubt is None
