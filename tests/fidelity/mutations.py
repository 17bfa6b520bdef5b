"""One article of our own in the build of kontan.co.id, as text dump and as page, and what may happen to it.

A mutation says what becomes of the document, and, where that changes what is right, the right values. Everything else
must come out as it was, or be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from support import kontan_page as page

AUTHORS = ["Nadia Ayu, S.E., M.M.", "Beni Laka"]
BYLINE = "Reporter: Nadia Ayu, S.E., M.M. dan Beni Laka | Sumber: Kabar Utara | Editor: Tirta Mahendra"
TEXT = page.as_text().replace("Sumber: Kabar Utara | Editor: Tirta Mahendra", BYLINE)
HTML = page.as_html().replace("<p>Sumber:", "<p>Reporter: Nadia Ayu, S.E., M.M. dan Beni Laka | Sumber:")
DATE, TITLE = page.SHOWN_DATE, page.TITLE
CAPTION_LINE = f"ILUSTRASI. {page.CAPTION} {page.CREDIT}"
OTHER_TITLE = "Pasar Ikan Ambon Pindah ke Dermaga Baru"
FIRST, SECOND, LAST = page.PARAGRAPHS[0], page.PARAGRAPHS[1], page.PARAGRAPHS[-1]
START = f"KONTAN.CO.ID - {page.DATELINE}. {FIRST}"
RELATED = page.RELATED[0][0]

NO_BYLINE: dict[str, Any] = {"authors": [], "editor": None, "agency": None}
TRUTH: dict[str, Any] = {
    "title": TITLE,
    "published": page.PUBLISHED,
    "authors": AUTHORS,
    "editor": page.EDITOR,
    "agency": page.AGENCY,
    "dateline": page.DATELINE,
    "captions": [(page.CAPTION, page.CREDIT)],
    "related": [title for title, _ in page.RELATED],
    "body": list(page.PARAGRAPHS),
}
ROWS = {symbol: tuple(numbers) for symbol, *numbers in page.INDICATORS}


@dataclass(frozen=True)
class Mutation:
    """A document in another form. ``right`` are values that differ from the truth, ``rows`` those of the ticker."""

    name: str
    kind: str
    body: bytes
    right: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ROWS)


def changed(kind: str, name: str, *pairs: tuple[str, str], count: int = -1, rows: Any = None, **right: Any) -> Mutation:
    """The document with each first text in place of the other; a text that does not stand in it is a fault here."""
    text = TEXT if kind == "text" else HTML
    for old, new in pairs:
        assert old in text, (name, old)
        text = text.replace(old, new, count)
    return Mutation(f"{kind}: {name}", kind, text.encode(), right, ROWS if rows is None else rows)


def made(kind: str, name: str, make: Callable[[str], str | bytes], **right: Any) -> Mutation:
    body = make(TEXT if kind == "text" else HTML)
    return Mutation(f"{kind}: {name}", kind, body.encode() if isinstance(body, str) else body, right)


def without(symbol: str) -> dict[str, tuple[str, ...]]:
    return {one: numbers for one, numbers in ROWS.items() if one != symbol}


def shown(symbol: str) -> tuple[str, str, str, str]:
    value, change, percent = ROWS[symbol]
    return symbol, page._shown(value), page._shown(change), page._shown(percent)


def row(kind: str, symbol: str) -> str:
    """A row of the ticker as the document shows it."""
    name, value, change, percent = shown(symbol)
    if kind == "text":
        return f"• {name} {value}   {change}   {percent}%"
    way = "turun" if change.startswith("-") else "naik"
    return (
        f'<span class="nama">{name}</span> <span class="nilai">{value}</span> &nbsp; <span class="{way}">'
        f"{change} &nbsp; {percent}%</span>"
    )


def in_row(kind: str, symbol: str, name: str, *pairs: tuple[str, str], rows: Any = None) -> Mutation:
    """A mutation of one row alone."""
    old = new = row(kind, symbol)
    for before, after in pairs:
        assert before in new, (name, before)
        new = new.replace(before, after, 1)
    return changed(kind, f"{symbol}: {name}", (old, new), rows=rows)


def english(number: str) -> str:
    return number.translate(str.maketrans(",.", ".,"))


def tickers(kind: str) -> Iterator[Mutation]:
    for symbol in ROWS:
        _, value, change, percent = shown(symbol)
        if change == "0":
            continue
        yield in_row(
            kind,
            symbol,
            "English numbers",
            (f"{value}", english(value)),
            (change, english(change)),
            (f"{percent}%", f"{english(percent)}%"),
        )
        flipped = change[1:] if change.startswith("-") else f"-{change}"
        yield in_row(kind, symbol, "the sign of the change is lost or made", (change, flipped))
    for symbol in ("USD/IDR", "IDX", "KOMPAS100"):
        _, value, change, percent = shown(symbol)
        yield in_row(kind, symbol, "English value alone", (value, english(value)))
        yield in_row(kind, symbol, "value and change change places", (value, "@"), (change, value), ("@", change))
        yield in_row(kind, symbol, "change and percent change places", (change, "@"), (percent, change), ("@", percent))
        yield in_row(kind, symbol, "no value", (value, ""))
        yield in_row(kind, symbol, "no percent", (f"{percent}%", ""))
        yield in_row(kind, symbol, "a currency before the value", (value, f"Rp{value}"))
        yield in_row(kind, symbol, "a digit lost", (value, value[:-1]))
        yield in_row(kind, symbol, "a digit doubled", (value, value + value[-1]))
        yield in_row(kind, symbol, "words for the value", (value, "ditutup"))
        yield in_row(kind, symbol, "the change in brackets", (change, f"({change.lstrip('-')})"))
    for dash in "\u2212–—‐":
        yield in_row(kind, "KOMPAS100", f"minus U+{ord(dash):04X}", ("-1,32", f"{dash}1,32"), ("-0,13", f"{dash}0,13"))
    yield in_row(kind, "KOMPAS100", "minus behind", ("-1,32", "1,32-"), ("-0,13", "0,13-"))
    yield in_row(kind, "KOMPAS100", "an arrow for a sign", ("-1,32", "▼1,32"), ("-0,13", "▼0,13"))
    yield in_row(kind, "USD/IDR", "a plus", ("95,00", "+95,00"), ("0,58", "+0,58"))
    yield in_row(kind, "EMAS", "a dash behind the price", ("1.533.000", "1.533.000,-"))
    yield in_row(kind, "EMAS", "an English price", ("1.533.000", "1,533,000"))
    yield in_row(kind, "EMAS", "no grouping", ("1.533.000", "1533000"))
    yield in_row(kind, "EMAS", "spaces for points", ("1.533.000", "1 533 000"))
    yield in_row(kind, "EMAS", "grouped in fours", ("1.533.000", "153.3000"))
    two, other = row(kind, "USD/IDR"), row(kind, "IDX")
    yield changed(kind, "two rows change places", (two, "@"), (other, two), ("@", other))
    yield changed(kind, "a row stands twice", (two, f"{two}\n{two}" if kind == "text" else f"{two}</li><li>{two}"))


def truncated(kind: str) -> Iterator[Mutation]:
    for part in range(1, 30):
        yield made(kind, f"cut off after {part} of 30 parts", lambda text, part=part: text[: len(text) * part // 30])
    yield made(kind, "cut off in a character", lambda text: text.encode().partition(b"TERBARU")[0] + "é".encode()[:1])
    for where, name in ((LAST, "the last paragraph"), (SECOND, "a paragraph"), ("TERBARU", "the end mark")):
        yield made(kind, f"cut off before {name}", lambda text, where=where: text.partition(where)[0])
    yield made(kind, "cut off in the last word", lambda text: text.partition(LAST)[0] + LAST[:-6])


def heads(kind: str) -> Iterator[Mutation]:
    """Dates, datelines, captions and bylines, which both forms write alike."""
    same = ["Jumat, 9 Februari 2024 06:31 WIB", "Jumat, 09 Februari 2024 | 06:31 WIB",
            "Jum'at, 09 Februari 2024 / 06:31 WIB", "Jumat, 09 Februari 2024 / 06.31 WIB",
            "Jumat, 09 Feb 2024 / 06:31 WIB", "Jumat, 09 Pebruari 2024 / 06:31 WIB",
            "Jumat,\xa009\xa0Februari\xa02024 / 06:31\xa0WIB", "Jumat, 09 Februari 2024, pukul 06:31 WIB"]  # fmt: skip
    odd = ["Kamis, 09 Februari 2024 / 06:31 WIB", "Jumat, 09/02/2024 06:31 WIB", "Jumat, 31 Februari 2024 / 06:31 WIB",
           "Jumat, 09 Februari 2024 / 25:61 WIB", "Jumat, 09 Februari 2024", "Friday, 09 February 2024 / 06:31 WIB",
           "Jumat, 09 Februari 2024 / 06:31-07:00 WIB", "Jumat, 09 Februari / 06:31 WIB", "2 jam lalu",
           "Jumat, 09 Februari 2024 / 06:31 WIB - dibaca 3.201 kali", "Diterbitkan kemarin"]  # fmt: skip
    for date in [*same, *odd]:
        yield changed(kind, f"date as {date!r}", (DATE, date))
    for zone, moment in (
        ("WITA", "2024-02-08T22:31:00Z"),
        ("WIT", "2024-02-08T21:31:00Z"),
        ("GMT", "2024-02-09T06:31:00Z"),
    ):
        yield changed(kind, f"zone {zone}", (DATE, DATE.replace("WIB", zone)), published=moment)
    yield changed(kind, "no zone", (DATE, DATE.replace(" WIB", "")))
    mark = f"KONTAN.CO.ID - {page.DATELINE}. " if kind == "text" else f"KONTAN.CO.ID -&nbsp;{page.DATELINE}.</strong> "
    end = "" if kind == "text" else "</strong> "
    for dash in (" – ", " — ", " -- ", "- ", "-", " -\xa0"):
        yield changed(kind, f"dateline with {dash!r}", (mark, f"KONTAN.CO.ID{dash}{page.DATELINE}. {end}"))
    for form in ("{} (KONTAN.CO.ID) - ", "{}, KONTAN.CO.ID - ", "KONTAN.CO.ID, {} - ", "KONTAN.CO.ID - {} - ", "{}. ",
                 "{} - ", "Kontan.co.id - {}. "):  # fmt: skip
        yield changed(kind, f"dateline as {form!r}", (mark, form.format(page.DATELINE) + end))
    for place in ("ST. PETERSBURG", "MOSKOW/KAZAN", "WASHINGTON, D.C.", "NIZHNY NOVGOROD", "Moskow"):
        closed = place if place.endswith(".") else f"{place}."
        yield changed(kind, f"dateline {place}", (mark, f"KONTAN.CO.ID - {closed} {end}"), dateline=place)
    yield changed(kind, "no place", (mark, f"KONTAN.CO.ID - {end}"), dateline=None)
    yield changed(kind, "no dateline", (mark, end), dateline=None)
    caption, credit = page.CAPTION, page.CREDIT
    yield changed(kind, "no credit", (f" {credit}", ""), captions=[(caption, None)])
    yield changed(kind, "credit in brackets", (credit, f"({credit})"))
    yield changed(kind, "credit with a label", (credit, "Foto: Ilya Orlov"), captions=[(caption, "Ilya Orlov")])
    yield changed(kind, "agency as credit", (credit, "Getty Images"), captions=[(caption, "Getty Images")])
    yield changed(
        kind,
        "caption without a period",
        (f"{caption} {credit}", f"{caption[:-1]} KONTAN/Ilya Orlov"),
        captions=[(caption[:-1], "KONTAN/Ilya Orlov")],
    )
    yield changed(
        kind,
        "caption with (kiri)",
        (f"{caption} {credit}", "Dalang (kanan) dan penabuh (kiri)"),
        captions=[("Dalang (kanan) dan penabuh (kiri)", None)],
    )
    yield changed(kind, "caption without its label", ("ILUSTRASI. ", ""))
    yield changed(kind, "caption with another label", ("ILUSTRASI. ", "Ilustrasi: "))
    people = "Nadia Ayu, S.E., M.M. dan Beni Laka"
    for between in (", dan ", " & ", " / ", "; ", ", ", " dan juga ", " bersama "):
        yield changed(kind, f"authors parted by {between!r}", (people, people.replace(" dan ", between)))
    yield changed(
        kind,
        "an author with more degrees",
        (people, "Prof. Dr. Nadia Ayu, S.E., M.M., Ph.D. dan Beni Laka"),
        authors=["Prof. Dr. Nadia Ayu, S.E., M.M., Ph.D.", "Beni Laka"],
    )
    yield changed(kind, "a team for authors", (people, "Tim Redaksi"), authors=[])
    yield changed(
        kind,
        "an agency beside an author",
        (people, "Nadia Ayu, Reuters"),
        authors=["Nadia Ayu"],
        agency="Reuters, Kabar Utara",
    )
    yield changed(kind, "a nickname", (people, "nadia ayu"), authors=["nadia ayu"])
    yield changed(kind, "parts of the byline with slashes", ("Laka | ", "Laka / "))
    yield changed(kind, "parts of the byline with dots", ("Laka | ", "Laka • "))
    yield changed(kind, "parts of the byline with spaces", ("Laka | ", "Laka "))
    yield changed(kind, "penulis for reporter", ("Reporter:", "Penulis :"))
    yield changed(kind, "oleh for reporter", ("Reporter:", "Oleh:"))
    source = "Sumber: dua pejabat kota yang ditanya kemarin menyebut angka lain."
    yield changed(
        kind, "a sentence that begins as a byline", (SECOND, source), body=[FIRST, source, *page.PARAGRAPHS[2:]]
    )


def bodies(kind: str) -> Iterator[Mutation]:
    """What stands among the paragraphs and is none."""

    def between(text: str) -> tuple[str, str]:
        return (
            (SECOND, f"{SECOND}\n\n{text}") if kind == "text" else (f"{SECOND}&nbsp;</p>", f"{SECOND}</p><p>{text}</p>")
        )

    for text in (OTHER_TITLE, "Menarik Dibaca: Resep Sambal", "ADVERTISEMENT", "Scroll to Continue",
                 "Bagikan artikel ini",
                 "Ikuti berita kami di Google News", "Halaman: 1 2 3", "Selanjutnya: Halaman berikut", TITLE, SECOND,
                 "Baca Juga:", "Berlangganan buletin kami.", "Copyright © Kontan 2024"):  # fmt: skip
        yield changed(kind, f"among the paragraphs {text!r}", between(text))
    yield changed(kind, "a related headline stands twice", between(f"Baca Juga: {RELATED}"))
    yield changed(kind, "a paragraph begins another article", between(DATE))
    yield changed(
        kind, "the last paragraph is in quotes", (LAST, f"“{LAST}”"), body=[*page.PARAGRAPHS[:-1], f"“{LAST}”"]
    )


def of_text() -> Iterator[Mutation]:
    lines = {"heading of the ticker": "| : WIB | INDIKATOR |\n", "date": f"{DATE}\n", "caption": f"{CAPTION_LINE}\n",
             "byline": f"{BYLINE}\n", "end mark": "TERBARU\n", "first headline": f"\n{TITLE}\n\n\n",
             "second headline": f"{DATE}\n{TITLE}\n", "first paragraph": f"{START}\n\n"}  # fmt: skip
    for name, line in lines.items():
        kept = f"{DATE}\n" if name == "second headline" else "\n" if name == "first headline" else ""
        right: dict[str, Any] = {}
        if name == "first paragraph":
            right = {"body": list(page.PARAGRAPHS[1:]), "dateline": None}
        elif name == "caption":
            right = {"captions": []}
        elif name == "byline":
            right = NO_BYLINE
        yield changed("text", f"no {name}", (line, kept), **right)
    for name in ("date", "caption", "byline", "end mark", "heading of the ticker"):
        yield changed("text", f"{name} twice", (lines[name], lines[name] * 2))
    yield changed("text", "no headline at all", (TITLE, ""))
    yield changed("text", "no headline and no ticker", (TITLE, ""), (row("text", "EMAS"), ""), rows=without("EMAS"))
    yield made("text", "first headline cut off", lambda text: text.replace(TITLE, TITLE[:30], 1))
    yield made("text", "second headline cut off", lambda text: TITLE[:30].join(text.rsplit(TITLE, 1)))
    yield made("text", "first headline with the site's name", lambda text: text.replace(TITLE, f"{TITLE} - Kontan", 1))
    yield changed("text", "headline and date on one line", (f"{DATE}\n{TITLE}", f"{DATE} {TITLE}"))
    yield changed("text", "byline and first paragraph on one line", (f"{BYLINE}\n\n", f"{BYLINE} "))
    yield changed("text", "caption and byline on one line", (f"{CAPTION_LINE}\n\n\n", f"{CAPTION_LINE} "))
    yield changed(
        "text",
        "two paragraphs on one line",
        (f"{FIRST}\n\n{SECOND}", f"{FIRST} {SECOND}"),
        body=[f"{FIRST} {SECOND}", *page.PARAGRAPHS[2:]],
    )
    yield changed("text", "two rows on one line", (f"{row('text', 'IDX')}\n", row("text", "IDX")))
    yield changed(
        "text", "a related headline on the line before", (f"\n\nBaca Juga: {RELATED}", f" Baca Juga: {RELATED}")
    )
    yield changed("text", "a related headline without its label", (f"Baca Juga: {RELATED}", RELATED))
    yield changed("text", "a related headline on the next line", (f"Baca Juga: {RELATED}", f"Baca Juga:\n{RELATED}"))
    yield changed(
        "text", "date above the headline", (f"{DATE}\n", ""), (f"\n{TITLE}\n\n\n", f"\n{DATE}\n\n{TITLE}\n\n\n")
    )
    for clock in ("Sabtu, 10 Februari 2024 / 14:05 WIB", "Minggu, 11 Februari 2024 / 00:00 WIB"):
        head = ("banner langganan top", f"banner langganan top\n{clock}")
        yield changed("text", f"a clock {clock!r} in the head", head)
        yield changed("text", f"a clock {clock!r} in the head, no date", (f"{DATE}\n", ""), head)
        yield changed(
            "text", f"a clock {clock!r} above the headline", (f"\n{TITLE}\n\n\n", f"\n{clock}\n\n{TITLE}\n\n\n")
        )
        yield changed(
            "text",
            f"a clock {clock!r} above, no date",
            (f"{DATE}\n", ""),
            (f"\n{TITLE}\n\n\n", f"\n{clock}\n{TITLE}\n\n\n"),
        )
        yield changed("text", f"another date {clock!r} below", (f"{DATE}\n", f"{DATE}\n{clock}\n"))
    yield changed("text", "byline on three lines", (BYLINE, BYLINE.replace(" | ", "\n")))
    yield changed("text", "byline at the end", (f"{BYLINE}\n\n", ""), (LAST, f"{LAST}\n\n{BYLINE}"))
    yield changed(
        "text",
        "byline in capitals",
        (BYLINE, BYLINE.upper()),
        authors=["NADIA AYU, S.E., M.M.", "BENI LAKA"],
        editor="TIRTA MAHENDRA",
        agency="KABAR UTARA",
    )
    yield changed("text", "byline in small letters", (BYLINE, BYLINE.lower()))
    yield changed("text", "byline above the caption", (f"{CAPTION_LINE}\n\n\n{BYLINE}", f"{BYLINE}\n{CAPTION_LINE}"))
    yield changed("text", "a share bar above the text", (START, f"Facebook Twitter WhatsApp\n\n{START}"))
    yield changed(
        "text", "a line without a rule above the byline", (f"\n\n\n{BYLINE}", f"\n\nFOTO: Beranda\n\n{BYLINE}")
    )
    yield changed(
        "text", "a second caption", (CAPTION_LINE, f"{CAPTION_LINE}\nILUSTRASI. Pasar ikan. KONTAN/Beni Laka")
    )
    yield changed(
        "text", "a caption among the paragraphs", (SECOND, f"{SECOND}\n\nILUSTRASI. Pasar ikan. KONTAN/Beni Laka")
    )
    another = (
        f"{OTHER_TITLE}\n{DATE}\n{OTHER_TITLE}\nILUSTRASI. Pasar ikan. KONTAN/Beni\n\nEditor: Sari\n\n"
        "KONTAN.CO.ID - AMBON. Pasar itu pindah."
    )
    yield changed("text", "another article behind it", ("\n\n\nTERBARU", f"\n\n{another}\n\nTERBARU"))
    yield changed("text", "another article behind the end", ("TERBARU\n", f"TERBARU\n{another}\n"))
    yield changed("text", "another article's headline behind it", ("\n\n\nTERBARU", f"\n\n{OTHER_TITLE}\n\nTERBARU"))
    for symbol in ("EMAS", "USD/IDR", "IDXQ30"):
        yield in_row("text", symbol, "no bullet", ("• ", ""))
        yield in_row("text", symbol, "another bullet", ("• ", "- "))
        yield in_row("text", symbol, "a time behind it", ("%", "% 16:00"))
        yield in_row("text", symbol, "bars between the columns", ("   ", " | "), ("   ", " | "))
        yield in_row("text", symbol, "tabs between the columns", ("   ", "\t"), ("   ", "\t"))
    yield in_row("text", "USD/IDR", "no bullet and blank lines around it", ("• ", "\n"), ("%", "%\n"))
    yield in_row("text", "USD/IDR", "a blank line behind it", ("%", "%\n"))
    yield in_row("text", "USD/IDR", "an advertisement behind it", ("%", "%\nBuka rekening sekarang"))
    yield in_row(
        "text", "USD/IDR", "a blank line and an advertisement behind it", ("%", "%\n\nBuka rekening sekarang\n")
    )
    yield in_row("text", "USD/IDR", "on two lines", ("   ", "\n"))
    yield in_row("text", "USD/IDR", "gone", (row("text", "USD/IDR"), ""), rows=without("USD/IDR"))
    emas, head = f"  {row('text', 'EMAS')}\n", "| : WIB | INDIKATOR |\n"
    yield changed("text", "a row on the line of the heading", (head + emas, head[:-1] + emas))
    yield changed("text", "a row above the heading", (head + emas, emas + head))
    yield changed("text", "a row below the end", (emas, ""), ("[X]", f"{emas}[X]"))
    yield changed("text", "a row among the paragraphs", (emas, ""), (SECOND, f"{emas}\n{SECOND}"))
    yield changed("text", "a related headline and a paragraph on one line", (f"{RELATED}\n\n", f"{RELATED} "))
    yield changed("text", "a caption on two lines", (" via KABAR", "\nvia KABAR"))
    yield changed(
        "text", "a paragraph above the headline", (f"{SECOND}\n\n", ""), (f"\n{TITLE}\n\n\n", f"\n{SECOND}\n{TITLE}\n")
    )
    yield made("text", "blank lines between all", lambda text: text.replace("\n", "\n\n"))
    yield made("text", "no blank lines", lambda text: "\n".join(filter(str.strip, text.split("\n"))))
    yield made("text", "lines of 60 characters", wrapped)
    yield made("text", "a space before each line", lambda text: text.replace("\n", "\n    "))
    yield made("text", "no-break spaces for all spaces", lambda text: text.replace(" ", "\xa0"))
    yield made("text", "thin spaces for all spaces", lambda text: text.replace(" ", "\u2009"))
    yield made("text", "two spaces for each", lambda text: text.replace(" ", "  "))
    yield made("text", "lines end as in Windows", lambda text: text.replace("\n", "\r\n"))
    yield made("text", "lines end as once on a Mac", lambda text: text.replace("\n", "\r"))
    yield made("text", "lines end in U+2028", lambda text: text.replace("\n", "\u2028"))
    yield made("text", "all on one line", lambda text: " ".join(text.split()))
    yield made("text", "a byte order mark", lambda text: "\ufeff".encode() + text.encode())
    yield made("text", "UTF-16", lambda text: text.encode("utf-16"))
    yield made("text", "UTF-16 the other way round", lambda text: b"\xfe\xff" + text.encode("utf-16-be"))
    yield made("text", "UTF-16 without a mark", lambda text: text.encode("utf-16-le"))
    yield made("text", "windows-1252", lambda text: text.encode("cp1252", "replace"))
    yield made("text", "UTF-8 read as windows-1252", lambda text: text.encode().decode("cp1252", "replace").encode())
    yield made("text", "ASCII with question marks", lambda text: text.encode("ascii", "replace"))
    yield made(
        "text",
        "entities for no-break spaces",
        lambda text: text.replace("\xa0", "&nbsp;").replace("ID - M", "ID -&nbsp;M"),
    )
    yield made("text", "tags around the paragraphs", lambda text: text.replace(SECOND, f"<p>{SECOND}</p>"))
    yield made("text", "a BOM in every line", lambda text: text.replace("\n", "\n\ufeff"))


def wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.fill(line, 60) if len(line) > 60 else line for line in text.split("\n"))


def of_html() -> Iterator[Mutation]:
    date = f'<div class="fs14 ff-opensans font-gray">{DATE}</div>'
    clock = date.replace("Jumat, 09", "Sabtu, 10")
    heading = f'<h1 class="detail-desk">{TITLE}</h1>'
    end = "<!-- pagination end -->"
    byline = HTML[HTML.index("<p>Reporter") : HTML.index("</p>", HTML.index("<p>Reporter")) + 4]
    pieces = {"headline": heading, "date": date, "end mark": end, "byline": byline}
    for name, piece in pieces.items():
        yield changed("html", f"no {name}", (piece, ""), **(NO_BYLINE if name == "byline" else {}))
        yield changed("html", f"{name} twice", (piece, piece * 2))
    yield changed("html", "a clock above the headline", (heading, clock + heading))
    yield changed("html", "a clock in the head", ('<div class="indikator">', f'{clock}<div class="indikator">'))
    yield changed("html", "a clock in the head, no date", (date, ""), ('<div class="ind', f'{clock}<div class="ind'))
    yield changed("html", "another date below", (date, date + clock))
    yield changed("html", "another headline below", (date, f'{date}<h1 class="detail-desk">{OTHER_TITLE}</h1>'))
    yield changed("html", "another headline above", (heading, f'<h1 class="detail-desk">{OTHER_TITLE}</h1>{heading}'))
    yield changed("html", "byline on three lines", (byline, byline.replace(" | ", "<br>")))
    yield changed("html", "byline in three paragraphs", (byline, byline.replace(" | ", "</p><p>")))
    yield changed("html", "byline at the end", (byline, ""), (f"{LAST}&nbsp;</p>", f"{LAST}</p>{byline}"))
    yield changed(
        "html", "a teaser with a link", (f"{SECOND}&nbsp;</p>", f'{SECOND}</p><p><a href="/z">{OTHER_TITLE}</a></p>')
    )
    yield changed("html", "a related link without its class", ('class="track-bacajuga-inside" ', ""))
    yield changed("html", "no list of the ticker", ("list-indikator", "daftar"))
    yield changed("html", "another class of values", ('class="nilai"', 'class="harga"'))
    yield changed("html", "another class of changes", ('class="naik"', 'class="up"'))
    yield changed("html", "another class of the headline", ("detail-desk", "judul"))
    yield changed("html", "another class of the date", ("ff-opensans", "ff-lora"))
    yield changed("html", "another class of captions", ("ket-foto", "keterangan"))
    yield changed("html", "no class and no itemprop of the body", ("tmpt-desk-kon", "isi"), ("articleBody", "isi"))
    yield changed("html", "no class of the body", ("tmpt-desk-kon", "isi"))
    yield changed("html", "entities for letters", ("Gedung", "&#71;edung"))
    yield changed(
        "html",
        "line breaks for paragraphs",
        (f"{FIRST}&nbsp;</p>\n<p>{SECOND}", f"{FIRST}<br><br>{SECOND}"),
        body=[f"{FIRST} {SECOND}", *page.PARAGRAPHS[2:]],
    )
    yield changed("html", "an empty row", ("</ul></div><div", "<li></li></ul></div><div"))
    yield changed("html", "a row of another list", ("</ul></div><div", "<li>Buka rekening</li></ul></div><div"))
    yield made("html", "no end tags of paragraphs", lambda text: text.replace("</p>", ""))
    yield made("html", "no line breaks", lambda text: text.replace("\n", " "))
    yield made("html", "capital tags", lambda text: text.replace("<p>", "<P>").replace("</p>", "</P>"))
    yield made("html", "UTF-16", lambda text: text.encode("utf-16"))
    yield made("html", "a byte order mark", lambda text: "\ufeff".encode() + text.encode())
    yield made(
        "html", "windows-1252 that says UTF-8", lambda text: text.replace("ID -&nbsp;", "ID – ").encode("cp1252")
    )


def mutations() -> list[Mutation]:
    """All of them, each under a name of its own."""
    both = [one for kind in ("text", "html") for make in (tickers, truncated, heads, bodies) for one in make(kind)]
    return [*both, *of_text(), *of_html()]
