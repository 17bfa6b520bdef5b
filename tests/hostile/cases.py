"""What hostile and broken input must come to: the input, and all that may come of it.

A case's files are put into a folder; beside them lies ``zz-good.html`` (or ``.txt``), a sound article that each case
must leave untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """``told`` are the errors and warnings, each as ``origin: field: start of the message``, in any order.

    ``bodies`` are those of the articles that are taken, ``symbols`` those of the indicators.
    """

    name: str
    files: Mapping[str, Callable[[], bytes] | bytes]
    told: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    profile: str = "kontan"
    titles: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)


DATE = '<div class="fs14 ff-opensans font-gray">Selasa, 21 Mei 2024 / 14:05 WIT</div>'
TICKER = '<ul class="list-indikator">{}</ul>'
ROW = '<li><span class="nama">{}</span> <span class="nilai">{}</span> <span class="naik">{}</span></li>'
NO_TICKER = "a.html: ticker: no rows of a ticker"
NO_END = "a.html: ticker: the page has no end: are rows cut off?"
NO_DATE = "a.html: published: no date"


def page(
    body: str = "<p>Isi.</p>", *, title: str = "Judul", date: str = DATE, head: str = "", ticker: str | None = None
) -> bytes:
    """A page of the site's build."""
    rows = ROW.format("LQ45", "817", "1,00 0,12%") if ticker is None else ticker
    return (
        f"<!doctype html><html><head>{head}</head><body>{TICKER.format(rows) if rows else ''}"
        f'<h1 class="detail-desk">{title}</h1>{date}<div class="tmpt-desk-kon">{body}<!-- pagination end --></div>'
        "</body></html>"
    ).encode()


def dump(body: str = "Isi.", *, title: str = "Judul", date: str = "Selasa, 21 Mei 2024 / 14:05 WIT") -> bytes:
    """A text dump of the site's build."""
    rows = "| : WIB | INDIKATOR |\n  • LQ45 817 \xa0 1,00 \xa0 0,12%\n\n"
    return f"{rows}{date}\n{title}\nILUSTRASI. Gambar.\n\nEditor: Laras\n\n{body}\n\nTERBARU\n".encode()


def html(name: str, body: bytes | Callable[[], bytes], *told: str, **expected: object) -> Case:
    """A case of one page."""
    return Case(name, {"a.html": body}, tuple(told), **expected)  # type: ignore[arg-type]


def text(name: str, body: bytes, *told: str, **expected: object) -> Case:
    """A case of one text dump."""
    return Case(name, {"a.txt": body}, tuple(told), profile="kontan-text", **expected)  # type: ignore[arg-type]


def json(name: str, body: bytes | Callable[[], bytes], *told: str, **expected: object) -> Case:
    """A case of one JSON file."""
    return Case(name, {"a.json": body}, tuple(told), **expected)  # type: ignore[arg-type]


LQ45 = ("LQ45",)
ISI = ("<p>Isi.</p>",)
LOL = (
    "<!DOCTYPE lolz [<!ENTITY lol0 'lol'>"
    + "".join(f"<!ENTITY lol{n} '{f'&lol{n - 1};' * 10}'>" for n in range(1, 10))
    + "]>"
).encode()

DAMAGED = [
    html("an empty file", b"", "a.html: is empty"),
    html("a file of white space", b" \n\t\r\n", "a.html: is empty"),
    html("a page cut off in its body", page("<p>Satu.</p><p>Dua pot").partition(b"<!--")[0],
         "a.html: body: breaks off", NO_END, symbols=LQ45),
    html("a page cut off inside a tag", page("<p>Satu.</p>").partition(b"</p><!--")[0] + b'<a href="https://conto',
         "a.html: body: the comment that ends it is missing", bodies=("<p>Satu.</p>",), symbols=LQ45),
    html("a page cut off before its body", page().partition(b'<div class="tmpt')[0],
         "a.html: body: no body: the article is refused", NO_END, symbols=LQ45),
    html("a page cut off in the middle of a character", page("<p>Isi é").partition(b"\xa9")[0],
         "a.html: charset: ends in the middle of a character", "a.html: body: breaks off", NO_END, symbols=LQ45),
    html("a page of 50 MB", lambda: b"<p>" + b"x" * 50_000_000,
         "a.html: is too large: 50,000,003 bytes, the limit is 5,000,000"),
    html("a page above the limit of its source", page(), "a.html: is too large", options={"limit": 100}, titles=()),
    html("a binary file", bytes(range(256)) * 40, "a.html: is no text"),
    html("a PNG that is named as a page", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89",
         "a.html: is no text"),
    html("a page in UTF-16 without a byte order mark", page().decode().encode("utf-16-le"), "a.html: is no text"),
    html("NUL and control characters", page("<p>I\0s\x01i\x1f.\x7f</p>", title="Ju\0d\x0bul"),
         bodies=("<p>Isi.\x7f</p>",), titles=("Judul",), symbols=LQ45),
    html("control characters as character references", page("<p>Isi&#1;&#x1f;&#xFFFE;.</p>", title="Ju&#2;dul"),
         bodies=ISI, titles=("Judul",), symbols=LQ45),
    html("half of a surrogate pair as a reference", page("<p>Isi&#xD800;.</p>"),
         bodies=("<p>Isi\ufffd.</p>",), symbols=LQ45),
    html("an HTML page that is another site's", b"<html><body><h1>Other</h1><p>Text</p></body></html>",
         NO_TICKER, "a.html: title: no title: the article is refused"),
]  # fmt: skip

CHARSETS = [
    html("a page that says UTF-8 and is windows-1252", page("<p>Isi caf\xe9 x.</p>", head='<meta charset="utf-8">')
         .decode().encode("cp1252"), "a.html: charset: declares utf-8 but is not; read as windows-1252",
         bodies=("<p>Isi café x.</p>",), symbols=LQ45),
    html("a page that says windows-1252 and is UTF-8", page("<p>Isi café.</p>", head='<meta charset="latin1">'),
         "a.html: charset: declares windows-1252 but is UTF-8", bodies=("<p>Isi café.</p>",), symbols=LQ45),
    html("a page with one bad byte in UTF-8", page("<p>Isi café X.</p>").replace(b"X", b"\xff"),
         "a.html: charset: 1 characters are not utf-8", bodies=("<p>Isi café \ufffd.</p>",), symbols=LQ45),
    html("a page that names a codec that is no character set", page(head='<meta charset="zip">'),
         bodies=ISI, symbols=LQ45),
    html("a page that says nothing and is windows-1252", page("<p>Isi caf\xe9 x.</p>").decode().encode("cp1252"),
         "a.html: charset: declares no character set and is not UTF-8", bodies=("<p>Isi café x.</p>",), symbols=LQ45),
    text("a dump in windows-1252", dump("Isi caf\xe9 x.").replace(b"\xe2\x80\xa2", b"*").decode()
         .encode("cp1252"), "a.txt: ticker: no rows of a ticker", "a.txt: charset: declares no character set",
         "a.txt: ticker: stands among the rows of the ticker and is none", bodies=("<p>Isi café x.</p>",)),
]  # fmt: skip

BOMBS = [
    html("an entity bomb", LOL + page("<p>Isi &lol9;.</p>"), bodies=("<p>Isi &amp;lol9;.</p>",), symbols=LQ45),
    html("an external entity", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + page("<p>&e;Isi.</p>"),
         bodies=("<p>&amp;e;Isi.</p>",), symbols=LQ45),
    html("200,000 open elements", lambda: page("<div>" * 200_000), "a.html: is nested deeper than 400 elements"),
    html("200,000 open elements with end tags that close none", lambda: page("<div></b>" * 200_000),
         "a.html: is nested deeper than 400 elements"),
    html("100,000 tables in tables", lambda: page("<table><tr><td>" * 100_000),
         "a.html: is nested deeper than 400 elements"),
    html("a million unfinished tags", lambda: page("<a " * 1_000_000),
         "a.html: has an element with more than 500 attributes"),
    html("200,000 attributes of one element",
         lambda: page("<p " + " ".join(f"a{n}" for n in range(200_000)) + ">Isi.</p>"),
         "a.html: has an element with more than 500 attributes"),
    html("attributes behind a quoted sign that ends no tag",
         lambda: page("<p t='>' " + " ".join(f'a{n}="<!--"' for n in range(501)) + ">Isi.</p>"),
         "a.html: has an element with more than 500 attributes"),
    html("half a million attributes in all",
         lambda: page(("<i " + " a=b" * 400 + "></i>") * 1_251), "a.html: has more than 500,000 attributes"),
    html("200,001 elements", lambda: page("<i></i>" * 200_001), "a.html: has more than 200,000 elements"),
    html("short links that stand for long addresses",
         lambda: page("<p><a href=a>x</a></p>" * 3_000, head=f'<base href="https://contoh.id/{"x" * 1_900}/">'),
         "a.html: has a text of more than 5,000,000 characters"),
    html("a comment that begins in an attribute and hides depth",
         lambda: page('<p t="<!--">' + "<div>" * 200_000), "a.html: is nested deeper than 400 elements"),
    html("different formatting that goes on in each of many paragraphs",
         lambda: page("<p>" + "".join(f"<b id={n}>" for n in range(300)) + "<p>x" * 2_000),
         "a.html: has more than 200,000 elements"),
    html("text in a frame that looks like a quoted attribute",
         lambda: page("<iframe><a t='</iframe>" + "<div>" * 500), "a.html: is nested deeper than 400 elements"),
    html("deep inline markup beside much text",
         lambda: page("<span>" * 190 + "<i>x</i>" * 2 + "</span>" * 190),
         bodies=("<p><i>x</i><i>x</i></p>",), symbols=LQ45),
    html("a million unfinished comments", lambda: page("<p>Isi.</p>" + "<!--" * 1_000_000),
         "a.html: body: the comment that ends it is missing", bodies=ISI, symbols=LQ45),
    html("more paragraphs than anybody writes", lambda: page("<p>x</p>" * 20_001),
         "a.html: has more than 20,000 paragraphs"),
    html("a line of a million spaces", lambda: page("<p>Isi" + " " * 1_000_000 + ".</p>"),
         bodies=("<p>Isi .</p>",), symbols=LQ45),
    html("a headline of a million characters is kept whole or not at all, and the date beside it read",
         lambda: page(title="x" * 1_000_000), bodies=ISI, titles=("x" * 1_000_000,), symbols=LQ45),
    json("JSON nested a hundred thousand deep", lambda: b"[" * 100_000, "a.json: is no JSON"),
    json("a body in JSON nested too deeply", lambda: b'{"title": "T", "body": "' + b"<b>" * 5000 + b'"}',
         "a.json: body: is nested deeper than 400 elements"),
]  # fmt: skip
SCRIPTS = [
    html("a body that is only a script", page("<script>document.write('<p>Isi</p>')</script>"),
         "a.html: body: no body: the article is refused", symbols=LQ45),
    html("a title that is only a script", page(title="<script>x</script>"),
         "a.html: title: no title: the article is refused", symbols=LQ45),
    html("javascript: links with tabs, entities and case", page(
        '<p><a href="java\tscript:x()">a</a><a href="&#74;avaScript&colon;x()">b</a><a href=" javascript:x()">c</a>'
        "</p>"),
        *(f"a.html: body: a link to {link} is left out: it is no address that can be kept"
          for link in (r"'java\tscript:x()'", "'JavaScript:x()'", "' javascript:x()'")),
        bodies=("<p>abc</p>",), symbols=LQ45),
    html("handlers, styles, frames and forms", page(
        '<p onclick="x()" style="color:red">Isi.</p><iframe src="//x"></iframe><form><button>b</button></form>'
        "<object data=x></object><svg onload=x()><script>x()</script></svg>"),
        bodies=('<p>Isi.</p>\n<p><a href="https://x" rel="noopener noreferrer">https://x</a></p>',), symbols=LQ45),
    html("markup hidden in a noscript", page('<p>Isi.</p><noscript><p title="</noscript><img src=x onerror=x()>">'),
         bodies=('<p>Isi.</p>',), symbols=LQ45),
    html("markup hidden in foreign content", page("<p>Isi.</p><math><mi><style><!--</style><img src=x onerror=x()>-->"),
         bodies=ISI, symbols=LQ45),
    html("data: images", page('<p>Isi.<img src="data:image/svg+xml,&lt;svg onload=x()&gt;"></p>'),
         bodies=ISI, symbols=LQ45),
    html("a base that is no web address", page('<p>Isi.</p>', head='<base href="javascript:x()">'),
         bodies=ISI, symbols=LQ45),
    html("a canonical link that is no web address", page(head='<link rel="canonical" href="javascript:x()">'),
         bodies=ISI, symbols=LQ45),
    text("markup in a text dump", dump("<script>x()</script> & <b>Isi</b>"),
         bodies=("<p>&lt;script&gt;x()&lt;/script&gt; &amp; &lt;b&gt;Isi&lt;/b&gt;</p>",), symbols=LQ45),
]  # fmt: skip

DATES = [
    html("no date", page(date=""), NO_DATE, bodies=ISI, symbols=LQ45),
    html("a date that does not exist", page(date=DATE.replace("21 Mei", "31 Februari")),
         "a.html: published: 'Selasa, 31 Februari 2024 / 14:05 WIT': there is no such day", bodies=ISI, symbols=LQ45),
    html("a date in another language", page(date=DATE.replace("Selasa, 21 Mei", "Tuesday, 21 May")),
         "a.html: published: 'Tuesday, 21 May 2024 / 14:05 WIT': no date in Indonesian", bodies=ISI, symbols=LQ45),
    html("a date of three numbers", page(date=DATE.replace("21 Mei 2024", "8/2/2024")),
         "a.html: published: 'Selasa, 8/2/2024 / 14:05 WIT': which number is the day is not certain",
         bodies=ISI, symbols=LQ45),
    html("a weekday that disagrees", page(date=DATE.replace("Selasa", "Rabu")),
         "a.html: published: 2024-05-21 is a Selasa, the text says Rabu", bodies=ISI, symbols=LQ45),
    html("a relative date", page(date=DATE.replace("Selasa, 21 Mei 2024 / 14:05 WIT", "2 Jam 3 Menit lalu")),
         "a.html: published: '2 Jam 3 Menit lalu': no date in Indonesian", bodies=ISI, symbols=LQ45),
    html("an endless date", page(date=DATE.replace("Selasa", "Selasa " * 1000)),
         "a.html: published: 'Selasa Selasa", bodies=ISI, symbols=LQ45),
    text("a dump with an unreadable date", dump(date="Selasa, 51 Mei 2024 / 14:05 WIT"),
         "a.txt: published: 'Selasa, 51 Mei 2024 / 14:05 WIT': there is no such day", bodies=ISI, symbols=LQ45),
]  # fmt: skip

TICKERS = [
    html("a ticker with a missing column", page(ticker=ROW.format("IDX", "7.012", "28,14")
         + ROW.format("LQ45", "817", "1,00 0,12%")),
         "a.html: ticker IDX: the row has no percent; it is left out", bodies=ISI, symbols=LQ45),
    html("a ticker row without a value", page(ticker=ROW.format("IDX", "", "1,00 0,12%")),
         "a.html: ticker IDX: the row has no value; it is left out", bodies=ISI),
    html("a ticker row without a name", page(ticker=ROW.format("", "817", "1,00 0,12%")),
         "a.html: ticker: the row has no symbol; it is left out", bodies=ISI),
    html("a number with two decimal points", page(ticker=ROW.format("IDX", "1.5.3", "1,00 0,12%")),
         "a.html: ticker IDX: '1.5.3' is no number in Indonesian", bodies=ISI),
    html("a number of another locale", page(ticker=ROW.format("IDX", "7,012.50", "1,00 0,12%")),
         "a.html: ticker IDX: '7,012.50' is no number in Indonesian", bodies=ISI),
    html("a value that is not there yet", page(ticker=ROW.format("IDX", "n/a", "1,00 0,12%")),
         "a.html: ticker IDX: 'n/a' is no number in Indonesian: it says that there is no value", bodies=ISI),
    html("a number of a thousand digits", page(ticker=ROW.format("IDX", "1" * 1000, "1,00 0,12%")),
         "a.html: ticker IDX: '111", bodies=ISI),
    html("a number with more digits than an indicator has", page(ticker=ROW.format("IDX", "1" * 50, "1,00 0,12%")),
         "a.html: ticker IDX: Decimal input should have no more than 40 digits", bodies=ISI),
    html("one indicator twice", page(ticker=ROW.format("IDX", "817", "1,00 0,12%") + ROW.format("IDX", "2", "1 100%")),
         "a.html: ticker IDX: stands twice in the ticker", bodies=ISI, symbols=("IDX",)),
    html("numbers that contradict each other", page(ticker=ROW.format("IDX", "7.012", "28,14 0,90%")),
         "a.html: ticker IDX: value 7012 and change 28.14 give a previous close of 6983.86", bodies=ISI),
    html("no ticker where there was one", page(ticker=""), NO_TICKER, bodies=ISI),
    text("a dump's ticker with a missing column",
         dump().replace("• LQ45".encode(), "• IDX 7.012 \xa0 0,40%\n  • LQ45".encode()),
         "a.txt: ticker IDX: the row has no change; it is left out", bodies=ISI, symbols=LQ45),
]  # fmt: skip

JSONS = [
    json("JSON that breaks off", b'{"title": "Judul", "bo', "a.json: is no JSON"),
    json("JSON with what JSON has not", b'{"title": NaN}', "a.json: is no JSON"),
    json("a JSON value that is no object", b"5", "a.json: must be an object"),
    json("a list with what is no article", b'[{"id": "x", "title": "T", "body": "<p>Isi.</p>"}, null, [1]]',
         "a.json: [0].published: no date", "a.json: [1]: must be an object", "a.json: [2]: must be an object",
         bodies=ISI),
    json("JSON of the wrong shape", b'{"headline": "T", "body": {"html": "x"}}',
         "a.json: title: is missing", "a.json: body:", "a.json: headline: is not a known key"),
    json("an id that is none", b'{"id": "../../x", "title": "T", "body": "<p>Isi.</p>"}', "a.json: id:"),
    json("an id that is a number", b'{"id": 5, "title": "T", "body": "<p>Isi.</p>"}', "a.json: id:"),
    json("a time as a number", b'{"id": "x", "title": "T", "body": "<p>Isi.</p>", "published": 1707435060}',
         "a.json: published: is no RFC 3339 time with a zone", bodies=ISI),
    json("a NUL in JSON", b'{"id": "x", "title": "T\\u0000", "body": "<p>I\\u0001si.</p>"}',
         "a.json: published: no date", bodies=ISI, titles=("T",)),
    json("a lone surrogate in JSON", b'{"id": "x", "title": "T\\ud800", "body": "<p>Isi.</p>"}',
         "a.json: title: is cut inside a character", "a.json: published: no date", bodies=ISI, titles=("T",)),
    json("two articles with one id in a file", b'[{"id": "x", "title": "T", "body": "<p>Isi.</p>",'
         b'"published": "2024-02-09T00:00:00Z"}, {"id": "x", "title": "U", "body": "x",'
         b'"published": "2024-02-09T00:00:00Z"}]', "a.json: [1]: has the id of an article before it", bodies=ISI),
    json("JSON in UTF-16", '{"title": "T"}'.encode("utf-16"), "a.json: is no JSON"),
]  # fmt: skip

CANONICAL = '<link rel="canonical" href="https://contoh.id/1{}">'
FILES = [
    Case("two files of one article", {"b.html": page(head=CANONICAL.format("?utm_source=b")),
         "a.html": page(head=CANONICAL.format(""))}, ("b.html: is the same article as a.html, which stands",),
         bodies=ISI, symbols=LQ45),
    Case("three files of one article", {f"{n}.html": page(head=CANONICAL.format("")) for n in "cab"},
         ("b.html: is the same article as a.html", "c.html: is the same article as a.html"), bodies=ISI, symbols=LQ45),
    Case("a text dump in a folder of pages", {"a.txt": dump()},
         ('a.txt: cannot be read with a profile of the kind "html"',)),
    Case("a page in a folder of text dumps", {"a.html": page()},
         ('a.html: cannot be read with a profile of the kind "text"',), profile="kontan-text"),
]  # fmt: skip

CASES = [*DAMAGED, *CHARSETS, *BOMBS, *SCRIPTS, *DATES, *TICKERS, *JSONS, *FILES]
