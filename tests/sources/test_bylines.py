"""Bylines as newsrooms write them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.sources.forms.bylines import MAX_BYLINE, People, is_byline, people


@pytest.mark.parametrize(
    ("text", "authors"),
    [
        ("Oleh: Dr. Wulan Pertiwi, S.E., M.Si. dan Bagas Prakoso", ("Dr. Wulan Pertiwi, S.E., M.Si.", "Bagas Prakoso")),
        ("Reporter: Dr. Bagas Prakoso, S.E., M.M.", ("Dr. Bagas Prakoso, S.E., M.M.",)),
        ("Prof. Dr. Ir. H. Bagas Prakoso, SE, MM", ("Prof. Dr. Ir. H. Bagas Prakoso, SE, MM",)),
        ("dr. Wulan Pertiwi, Sp.OG(K)", ("dr. Wulan Pertiwi, Sp.OG(K)",)),
        ("By ELLA NORTH and Tom West", ("ELLA NORTH", "Tom West")),
        ("By Ella North, Tom West and Ida East", ("Ella North", "Tom West", "Ida East")),
        ("By Ella North, Ph.D., Tom West, Jr., and Ida East", ("Ella North, Ph.D.", "Tom West, Jr.", "Ida East")),
        ("ELLA NORTH AND TOM WEST", ("ELLA NORTH", "TOM WEST")),
        ("Von Jörg Müller und Anna von der Heide", ("Jörg Müller", "Anna von der Heide")),
        ("Von Jörg Müller, Berlin", ("Jörg Müller",)),
        ("By Ella North in London and Tom West in New York", ("Ella North", "Tom West")),
        ("Par A. B. (avec AFP)", ("A. B.",)),
        ("Por Ana López y Juan Pérez", ("Ana López", "Juan Pérez")),
        ("Por Ana López, corresponsal en Madrid", ("Ana López",)),
        ("di Mario Rossi e Anna Bianchi", ("Mario Rossi", "Anna Bianchi")),
        ("Leonardo di Caprio", ("Leonardo di Caprio",)),
        ("Door Jan de Vries en Piet van den Berg", ("Jan de Vries", "Piet van den Berg")),
        ("Ella North, Chief Correspondent", ("Ella North",)),
        ("Ella North, BBC News Middle East correspondent", ("Ella North",)),
        ("Penulis : Kontributor Bandung, Wulan Pertiwi", ("Wulan Pertiwi",)),
        ("Laporan Wartawan TribunContoh.com, Bagas Prakoso", ("Bagas Prakoso",)),
        ("Bagas/Wulan", ("Bagas", "Wulan")),
        ("Bagas Prakoso; Wulan Pertiwi | Ida Ayu", ("Bagas Prakoso", "Wulan Pertiwi", "Ida Ayu")),
        ("Bagas Prakoso bersama Wulan Pertiwi", ("Bagas Prakoso", "Wulan Pertiwi")),
        ("Bagas Prakoso dan juga Wulan Pertiwi", ("Bagas Prakoso", "Wulan Pertiwi")),
        ("(ANT/Wulan)", ("Wulan",)),
        ("김하늘 기자 sky@gangbyeon.example", ("김하늘",)),
        ("김하늘 선임기자", ("김하늘",)),
        ("田中太郎記者", ("田中太郎",)),
        ("ella@contoh.id (Ella North)", ("Ella North",)),
        ("Ella North <ella@contoh.id>", ("Ella North",)),
        ("By Ella North, May 12, 2024", ("Ella North",)),
        ("By Ella North · 5 min read", ("Ella North",)),
        ("Ella North of The New York Times", ("Ella North",)),
        ("By Ella North | The Star", ("Ella North",)),
        ("Muhammad al-Fatih bin Ali, Lc., M.A.", ("Muhammad al-Fatih bin Ali, Lc., M.A.",)),
        ("O'Neil McDonald and Jean-Luc d'Arc", ("O'Neil McDonald", "Jean-Luc d'Arc")),
        ("Dan Brown and Dan Rather", ("Dan Brown", "Dan Rather")),
        ("Tim Cook", ("Tim Cook",)),
        ("记者 张三、李四", ("张三", "李四")),
        ("文/张三", ("张三",)),
        ("Иван Петров и Анна Сидорова", ("Иван Петров", "Анна Сидорова")),
    ],
)
def test_a_byline_names_its_people_and_no_one_else(text: str, authors: tuple[str, ...]) -> None:
    found = people(text)
    assert (found.authors, found.doubt) == (authors, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reporter: Bagas Prakoso | Editor: Wulan Pertiwi, S.Sos",
         People(("Bagas Prakoso",), editor="Wulan Pertiwi, S.Sos")),
        ("Oleh: Bagas Prakoso / Editor: Wulan", People(("Bagas Prakoso",), editor="Wulan")),
        ("Pewarta: Bagas Prakoso Editor: Wulan Pertiwi Copyright © ANTARA 2024",
         People(("Bagas Prakoso",), editor="Wulan Pertiwi")),
        ("Sumber: Reuters | Editor: Wulan Pertiwi", People(editor="Wulan Pertiwi", agency="Reuters")),
        ("Sumber: Kabar Utara | Editor: Wulan Pertiwi", People(editor="Wulan Pertiwi", agency="Kabar Utara")),
        ("By Ella North, Reuters", People(("Ella North",), agency="Reuters")),
        ("Von Jörg Müller, dpa", People(("Jörg Müller",), agency="dpa")),
        ("Texto: Ana López Fotos: Eva Ruiz", People(("Ana López",), photographers=("Eva Ruiz",))),
        ("Text und Fotos: Eva Klein", People(("Eva Klein",), photographers=("Eva Klein",))),
        ("Jörg Müller (Text) und Eva Klein (Fotos)", People(("Jörg Müller",), photographers=("Eva Klein",))),
        ("Oleh Bagas Prakoso; foto: Wulan Pertiwi", People(("Bagas Prakoso",), photographers=("Wulan Pertiwi",))),
        ("Reporting by Ella North in London; Editing by Tom West and Ida East",
         People(("Ella North",), editor="Tom West, Ida East")),
        ("Penulis: Bagas Prakoso; Penerjemah: Wulan Pertiwi", People(("Bagas Prakoso",), others=("Wulan Pertiwi",))),
        ("Penulis/Editor: Bagas Prakoso", People(("Bagas Prakoso",), editor="Bagas Prakoso")),
        ("Reporter Bagas Prakoso | Editor Wulan Pertiwi", People(("Bagas Prakoso",), editor="Wulan Pertiwi")),
        ("Par Le Monde avec AFP", People(agency="AFP", outlets=("Le Monde",))),
        ("Kompas.com", People(outlets=("Kompas.com",))),
        ("CNN Indonesia", People(outlets=("CNN Indonesia",))),
        ("Andi & Co", People(outlets=("Andi & Co",))),
        *((text, People()) for text in ("Tim Redaksi", "Newsroom", "Staff", "Admin", "Redaksi Kompas")),
        *((text, People()) for text in ("La Rédaction", "Editorial Team", "Kontributor Bandung", "", " | ")),
    ],
)  # fmt: skip
def test_roles_agencies_and_offices_go_where_they_belong(text: str, expected: People) -> None:
    assert people(text) == expected


@pytest.mark.parametrize(
    ("text", "authors", "said"),
    [
        ("Rina, Mei", ("Rina", "Mei"), "may be a place or a part of a name"),
        ("José Ortega y Gasset", ("José Ortega y Gasset",), "may be two people"),
        ("North, Ella", ("North", "Ella"), "may be a place or a part of a name"),
        ("Bagas Prakoso dkk", ("Bagas Prakoso",), "who are not named"),
        ("bagas prakoso", ("bagas prakoso",), "is written as no name"),
        ("Ella North Staff Writer", ("Ella North",), "is taken for a title"),
        ("Bagas Prakoso, KPLN", ("Bagas Prakoso", "KPLN"), "may be an organisation"),
        ("Sumber: dua pejabat desa menyebut angka lain", (), "reads like no name of a source"),
        ("user_4711", (), "is left out"),
        ("(mcr/jpnn)", (), "is left out"),
        ("Penulis: Tim", ("Tim",), "may be a team"),
        ("Ella North and " * 100, ("Ella North",), "the first 1,000 are read"),
    ],
)
def test_what_a_byline_leaves_open_is_told(text: str, authors: tuple[str, ...], said: str) -> None:
    found = people(text)
    assert found.authors == authors
    assert said in (found.doubt or "")


def test_the_sites_own_name_is_no_person() -> None:
    assert people("Warta Contoh", sites=["warta contoh"]) == People(outlets=("Warta Contoh",))


@pytest.mark.parametrize(
    "text",
    [
        "Sumber: Reuters", "Sumber: Reuters | Editor: Wulan Pertiwi", "Reporter: Dr. Bagas Prakoso, S.E., M.M.",
        "By Ella North", "Von Jörg Müller, Berlin", "Oleh: Tim Redaksi", "Sumber: Badan Pusat Statistik",
        "Reporter: Bagas Prakoso Editor: Wulan", "Laporan Wartawan TribunContoh.com, Bagas Prakoso",
    ],
)  # fmt: skip
def test_a_line_of_names_behind_role_words_is_a_byline(text: str) -> None:
    assert is_byline(text)


@pytest.mark.parametrize(
    "text",
    [
        "Sumber: dua pejabat desa yang ditanya kemarin menyebut angka lain.", "By the time it rained, all was over.",
        "Von dort aus ging es weiter nach Berlin.", "Editor: siapa pun boleh mencoba.", "Par exemple, Paris en 1900.",
        "Foto: pekerja menjemur cengkih di halaman gudang.", "Bagas Prakoso", "", "Sumber:",
        "Sumber: " + "Reuters, " * 40,
        "Penulis buku itu, Bagas Prakoso, hadir.", "Oleh karena itu, Jakarta banjir.",
    ],
)  # fmt: skip
def test_a_sentence_that_begins_as_a_byline_does_is_none(text: str) -> None:
    assert not is_byline(text)


FIRST = [
    "Ella",
    "Tom",
    "Wulan",
    "Bagas",
    "Jörg",
    "Anna Maria",
    "José",
    "Dan",
    "Siti",
    "Ani",
    "Jean-Luc",
    "J. K.",
    "Иван",
]
LAST = [
    "North",
    "West",
    "Pertiwi",
    "Prakoso",
    "Müller",
    "van der Berg",
    "O'Neil",
    "López García",
    "bin Ali",
    "McDonald",
]
DEGREES = [
    "",
    "",
    "",
    ", S.E.",
    ", S.E., M.M.",
    ", Ph.D.",
    ", M.Si",
    ", SH, MH",
    ", Jr.",
    ", Sp.OG",
    ", S.I.Kom., M.I.Kom.",
]
TITLES = ["", "", "Dr. ", "dr. ", "Prof. Dr. ", "Ir. H. ", "Drs. "]
SEPARATORS = [", ", " dan ", ", dan ", " and ", ", and ", " & ", " und ", " et ", "; ", " | ", " / ", "/", " serta ",
              " bersama ", " dan juga ", " y ", " e "]  # fmt: skip
LABELS = ["", "Oleh: ", "Oleh ", "By ", "Reporter: ", "Penulis : ", "Von ", "Par ", "Texto: ", "REPORTER: "]
names = st.tuples(*map(st.sampled_from, (TITLES, FIRST, LAST, DEGREES))).map(lambda n: f"{n[0]}{n[1]} {n[2]}{n[3]}")
# Names that differ in case alone are one.
joined = st.lists(names, min_size=1, max_size=5, unique_by=str.casefold)


@settings(deadline=None)
@given(st.sampled_from(LABELS), joined, st.data())
def test_any_names_joined_in_any_way_come_back_as_these(
    label: str, all_of_them: list[str], data: st.DataObject
) -> None:
    text = label + all_of_them[0]
    for name in all_of_them[1:]:
        text += data.draw(st.sampled_from(SEPARATORS)) + name
    assert people(text) == People(tuple(all_of_them))


@settings(deadline=None)
@given(
    joined, names, st.sampled_from([" | ", " / ", "; ", " ", " - ", "\n"]), st.sampled_from(["Editor: ", "Redaktur : "])
)
def test_the_editor_never_becomes_an_author(authors: list[str], editor: str, between: str, label: str) -> None:
    found = people(f"Reporter: {' dan '.join(authors)}{between}{label}{editor}")
    assert found == People(tuple(authors), editor=editor)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_whatever_is_read_stood_in_the_line(text: str) -> None:
    found = people(text)
    shown = " ".join(text.split())
    for name in (*found.authors, *found.photographers, *found.others, *found.outlets):
        assert name in shown
        assert name.strip()


@pytest.mark.parametrize(
    "piece", ["a ", "By ", "(", "/", "Editor: ", ", S.E.", "A. ", "Ella of ", " - ", "@", "x@", "1."]
)
def test_a_long_line_takes_no_long_time(piece: str) -> None:
    text = piece * (MAX_BYLINE * 50 // len(piece))
    started = time.perf_counter()
    people(text)
    is_byline(text)
    assert time.perf_counter() - started < 0.5
