"""Character sets, addresses, bodies, depth and kinds: the pieces that every source is made of."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from support.effort import QUADRATIC, growth

from publisher.content import absolute, harmless
from publisher.errors import ReadError
from publisher.locale import parse_datetime
from publisher.sources import kinds
from publisher.sources.documents.charset import decode
from publisher.sources.documents.depth import too_deep
from publisher.sources.documents.dom import text_of
from publisher.sources.html.body import escaped, fragment_blocks, sanitised
from publisher.sources.kinds import KINDS, kind_for
from publisher.sources.parsing import own_jobs
from publisher.sources.urls import canonical

META = b'<meta charset="%b">'


@pytest.mark.parametrize(
    ("body", "header", "text", "warned"),
    [
        ("é".encode(), None, "é", False),
        (b"\xef\xbb\xbf" + "é".encode(), "text/html; charset=windows-1252", "é", False),
        ("é".encode("utf-16"), None, "é", False),
        ("é".encode("cp1252"), "text/html; charset=ISO-8859-1", "é", False),
        ("“é”".encode("cp1252"), "text/html;charset=latin1", "“é”", False),
        ("Привет".encode("cp1251"), 'text/html; charset="windows-1251"', "Привет", False),
        (META % b"windows-1251" + "Привет".encode("cp1251"), None, '<meta charset="windows-1251">Привет', False),
        ("“é”".encode("cp1252"), "text/html; charset=x-cp1252", "“é”", False),
        ("żółw".encode("iso-8859-2"), "text/html; charset=latin2", "żółw", False),
        ("镕㐀".encode("gb18030"), "text/html; charset=gb2312", "镕㐀", False),
        ("日本".encode("cp932"), "text/html; charset=x-sjis", "日本", False),
        ("한국".encode("cp949"), "text/html; charset=ks_c_5601-1987", "한국", False),
        ("é x".encode("cp1252"), "text/html; charset=cp037", "é x", True),  # EBCDIC is no encoding of the web
        (b"+AGE-", "text/html; charset=utf-7", "+AGE-", False),
        (META % b"rot13" + b"abc", None, '<meta charset="rot13">abc', False),
        (META % b"no-such" + b"abc", None, '<meta charset="no-such">abc', False),
        (b"caf\xe9 x", None, "café x", True),
        (b"caf\xe9 x", "text/html; charset=utf-8", "café x", True),
        ("café".encode(), "text/html; charset=windows-1252", "café", True),
        ("ééé".encode() + b"\xe9x", None, "ééé\ufffdx", True),
        ("é".encode()[:1], None, "", True),
        (b"a\x00b\x01c\r\nd\re", None, "abc\nd\ne", False),
    ],
)
def test_bytes_are_read_in_their_character_set_and_doubt_is_told(
    body: bytes, header: str | None, text: str, warned: bool
) -> None:
    decoded = decode(body, header)
    assert (decoded.text, decoded.warning is not None) == (text, warned)


def test_a_binary_file_is_no_text() -> None:
    with pytest.raises(ReadError, match="is no text: 104 control characters"):
        decode(bytes(range(16)) * 8 + b"\x7f" + bytes(16))


@pytest.mark.parametrize(
    ("link", "base", "expected"),
    [
        ("/a", "https://contoh.id/x/", "https://contoh.id/a"),
        ("//lain.id/a", "https://contoh.id/", "https://lain.id/a"),
        ("a b", "https://contoh.id/x/", "https://contoh.id/x/a%20b"),
        ("https://contoh.id", None, "https://contoh.id"),
        (" \nhttps://contoh.id/\ta ", None, "https://contoh.id/a"),
        ("java\tscript:alert(1)", "https://contoh.id/", None),
        ("javascript:alert(1)", "https://contoh.id/", None),
        ("data:text/html,x", "https://contoh.id/", None),
        ("mailto:a@contoh.id", "https://contoh.id/", None),
        ("https://u:p@contoh.id/", None, None),
        ("https://[::1", None, None),
        ("http://contoh.id:99999/", None, None),
        ("/a", None, None),
        ("", "https://contoh.id/", None),
        ("/" + "a" * 3000, "https://contoh.id/", None),
    ],
)
def test_a_link_is_made_absolute_or_is_none(link: str, base: str | None, expected: str | None) -> None:
    assert absolute(link, base) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Contoh.ID:443/A?utm_source=x&b=1&fbclid=y#z", "https://contoh.id/A?b=1"),
        ("https://contoh.id", "https://contoh.id/"),
        ("http://contoh.id:8080/?gclid=1", "http://contoh.id:8080/"),
        ("https://[2001:db8::1]/a?id=5", "https://[2001:db8::1]/a?id=5"),
    ],
)
def test_what_only_tracks_is_no_part_of_an_identity(url: str, expected: str) -> None:
    assert canonical(url) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("satu<br><br>dua <b>tebal</b>", "<p>satu</p>\n<p>dua <b>tebal</b></p>"),
        ("<div>satu<div>dua</div>tiga</div>", "<p>satu</p>\n<p>dua</p>\n<p>tiga</p>"),
        ("<h1>A</h1><h5>B</h5>", "<h2>A</h2>\n<h4>B</h4>"),
        ("<p>a</p><p>&nbsp;</p><p> <br> </p><p><strong></strong></p>", "<p>a</p>"),
        ("<p>&nbsp; a &nbsp; b&nbsp;</p>", "<p>a &nbsp; b</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<span>a<p>b</p></span>", "<p>a</p>\n<p>b</p>"),
        ('<p style="x" class="y" id="z">a</p>', "<p>a</p>"),
        ('<a href="/x" target="_blank">a</a>', '<p><a href="https://contoh.id/x" rel="noopener noreferrer">a</a></p>'),
        ('<a href="java\tscript:alert(1)">a</a>', "<p>a</p>"),
        ('<a href="&#106;avascript:alert(1)">a</a>', "<p>a</p>"),
        ('<img src="/1.jpg" alt="x" onerror="y()">', '<p><img src="https://contoh.id/1.jpg" alt="x"></p>'),
        ('<p>a<img src="data:image/png;base64,x"></p>', "<p>a</p>"),
        ("<figure><img src=/1.jpg><figcaption>k</figcaption></figure>",
         '<figure><img src="https://contoh.id/1.jpg"><figcaption>k</figcaption></figure>'),
        ("satu<br> <br>\n<br>dua<br>tiga<br>", "<p>satu</p>\n<p>dua<br>tiga</p>"),
        ("<p><span>satu</span></p><div><span>dua</span></div>", "<p>satu</p>\n<p>dua</p>"),
        ("<dl><dt>a<dd>b</dl>", "<dl><dt>a</dt><dd>b</dd></dl>"),
        ("<p><del>a</del> <q>b</q> <abbr title=c>d</abbr></p>",
         '<p><del>a</del> <q>b</q> <abbr title="c">d</abbr></p>'),
        ("<video src=/a.mp4 title=Film><p>lama</p></video>",
         '<p><a href="https://contoh.id/a.mp4" rel="noopener noreferrer">Film</a></p>'),
        ("<figure><audio src=/a.mp3></audio></figure>",
         '<figure><a href="https://contoh.id/a.mp3" rel="noopener noreferrer">https://contoh.id/a.mp3</a></figure>'),
        ("<img src=data:x data-src=/1.jpg>", '<p><img src="https://contoh.id/1.jpg"></p>'),
        ("<blockquote><div>satu</div>dua</blockquote>", "<blockquote>satu dua</blockquote>"),
        ("<script>x()</script><style>p{}</style><form><input></form>", ""),
        ("<iframe src=//x></iframe>", '<p><a href="https://x" rel="noopener noreferrer">https://x</a></p>'),
        ("<svg><script>x()</script></svg><math><mi>x</mi></math>", ""),
        ("<p>a &amp; b &lt;script&gt;</p>", "<p>a &amp; b &lt;script&gt;</p>"),
        ("<!-- c --><p>a<!-- d --></p>", "<p>a</p>"),
        ("<p>a&#0;&#1;b&#xFFFF;</p>", "<p>a\ufffdb</p>"),
        ("<noscript><p title=\"</noscript><img src=x onerror=y()>\"></noscript>", ""),
    ],
)  # fmt: skip
def test_a_body_is_left_with_what_can_be_shown_anywhere(html: str, expected: str) -> None:
    assert sanitised(fragment_blocks(html), "https://contoh.id/").html == expected


@settings(deadline=None)
@given(st.lists(st.sampled_from([
    "<p>", "</p>", "<b>", "</b>", "<i>", "<a href=/x>", "</a>", '<a href="/x?a=1&b=2&copy;">', "<ul><li>", "</ul>",
    "<pre>", "\n", "</pre>", "<img src=/1.jpg alt='\"&lt;'>", "<figure>", "<figcaption>", "</figure>", "<h1>",
    "<blockquote>", "a", "\xa0", "&nbsp;", "&lt;script&gt;", "&amp;", "<br>", "<td>", "<hr>", "<code>", "\u2028",
    "'", '"', ">",
]), max_size=12))  # fmt: skip
def test_a_clean_body_is_cleaned_again_into_the_same_bytes(pieces: list[str]) -> None:
    for body in (sanitised(fragment_blocks("".join(pieces)), "https://contoh.id/").html, escaped(pieces)):
        assert harmless(body) == body


@pytest.mark.parametrize("body", [
    "<ul><li><s>a<li>&nbsp;</li></s></li></ul>",
    "<p>a\xa0b&nbsp;c</p>", "<pre>\n\na\n</pre>", "<p>a</p>\n<pre>\nb</pre>",
    '<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>',
    '<p><img src="https://contoh.id/1.jpg" alt="&quot;&lt;x&gt;"></p>',
    f'<p><a href="https://contoh.id/{"x" * 5_000}" rel="noopener noreferrer">a</a></p>',
])  # fmt: skip
def test_so_is_one_with_what_parsers_write_in_several_ways(body: str) -> None:
    stored = sanitised(fragment_blocks(body), "https://contoh.id/").html
    assert harmless(stored) == stored


@pytest.mark.parametrize(("body", "left"), [
    ("<p>a</p><script>x()</script>", "<p>a</p>"),
    ("<p onclick=x()>a</p>", "<p>a</p>"),
    ('<p><a href="javascript:x()">a</a></p>', '<p><a rel="noopener noreferrer">a</a></p>'),
    ("<svg><style><img src=x onerror=x()></style></svg>", '<img src="x">'),
    ("<ul><li><s>a<li onclick=x()>b</li></s></li></ul>", "<ul><li><s>a</s></li><li><s>b</s></li></ul>"),
    ('<p><img src="x" alt="a>"></p><p><img src="x" alt="a>" onerror="x()"></p>',
     '<p><img src="x" alt="a&gt;"></p><p><img src="x" alt="a&gt;"></p>'),
    ("<pre>\n<script>x()</script>", "<pre>\n</pre>"),
    ("<script&nbsp;>x()</script&nbsp;>", "x()"),
    ("<p>a</p><!-- <script> --!><img src=x onerror=x()>", '<p>a</p><img src="x">'),
])  # fmt: skip
def test_nothing_that_runs_is_left_of_what_no_parser_of_ours_wrote(body: str, left: str) -> None:
    assert harmless(body) == left


TAGS = "div p b a span table tr td li ul h1 button form svg math title option dd".split()  # noqa: SIM905
pieces = st.tuples(st.sampled_from(["<%s>", "</%s>"]), st.sampled_from(TAGS)).map(lambda pair: pair[0] % pair[1])


@settings(deadline=None)
@given(st.lists(pieces, min_size=1, max_size=6))
def test_no_short_pattern_of_tags_gets_a_deep_tree_past_the_limit(unit: list[str]) -> None:
    page = "".join(unit) * 60
    blocks = 0
    node = LexborHTMLParser(page).body
    while node is not None:
        blocks += node.tag in ("div", "p", "ul", "li", "table", "h1", "form", "dd")
        node = next((child for child in reversed(list(node.iter())) if child.is_element_node), None)
    assert blocks <= 60 or too_deep(page, 20)


@pytest.mark.parametrize(
    "page",
    [
        "<p>a" * 5000,
        "<ul>" + "<li>a" * 5000 + "</ul>",
        "<table>" + "<tr><td>a<td>b" * 5000 + "</table>",
        "<div><p>a<b>b</b></div>" * 5000,
        "<script>" + "<div>" * 5000 + "</script>",
        "<!--" + "<div>" * 5000 + "-->",
        "<svg>" + "<path/>" * 5000 + "</svg>",
        "<svg>" + "<g><path></path></g>" * 5000 + "</svg>",
        "<dl>" + "<dt>a<dd>b" * 5000 + "</dl>",
    ],
)
def test_a_long_page_with_end_tags_left_out_is_not_taken_for_a_deep_one(page: str) -> None:
    assert not too_deep(page)


@pytest.mark.parametrize("page", ["<div>" * 401, "<!--><div>" + "<div>" * 400, "<svg><title>" + "<div>" * 401])
def test_a_deep_page_is_told_before_it_is_parsed(page: str) -> None:
    assert too_deep(page)


def test_every_shipped_kind_is_known_by_its_name() -> None:
    assert {"feed", "folder", "index", "json", "page"} <= set(KINDS)
    assert all(kind_for(name) is kind for name, kind in KINDS.items())


def test_a_new_kind_is_one_file_that_is_found_with_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "letters.py").write_text(
        "from publisher.sources.base import Source\nfrom publisher.sources.parsed import Parsed\n"
        "class LettersSource(Source):\n    kind = 'letters'\n"
        "    async def read(self, bookmark): ...\n"
        "    def parse(self, document): return Parsed(rest={'length': len(document.body), 'at': document.url})\n"
    )
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    found = {kind.kind: kind for kind in kinds.shipped_kinds()}
    assert list(found) == [*KINDS, "letters"]
    job = own_jobs(found)["letters"]
    given = {"url": "a", "content_type": "", "now": "2026-01-01T00:00:00Z", "timezone": "UTC", "language": "en"}
    assert list(job(b"four", given | {"options": {}})) == [b'r{"length":4,"at":"a"}']
    monkeypatch.delitem(sys.modules, "publisher.sources.kinds.letters")


def test_an_own_kind_is_named_by_module_and_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_kind_of_source.py").write_text(
        "from publisher.sources.base import Source\nclass Own(Source):\n    kind = 'own'\nnothing = 5\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert kind_for("own_kind_of_source:Own").kind == "own"
    for name, said in (
        ("own_kind_of_source:Other", "own_kind_of_source has no Other"),
        ("own_kind_of_source:nothing", "is no subclass"),
        ("no_such_module_at_all:X", "cannot be imported"),
        ("folders", f'"folders" is no kind of source; known: {", ".join(KINDS)}, or "module:Class"'),
    ):
        with pytest.raises(ReadError, match=said):
            kind_for(name)
    sys.modules.pop("own_kind_of_source")


@pytest.mark.parametrize("text", ["9 Februari 0001", "31 Desember 9999 23:59", "1899-12-31T23:59Z", "1 Januari 2101"])
def test_a_date_of_no_news_is_no_date(text: str) -> None:
    with pytest.raises(ReadError, match="is outside 1900 to 2100"):
        parse_datetime(text, "id", "Asia/Jakarta")


@pytest.mark.parametrize(
    ("around", "piece"),
    [("", "<p>x"), ("<span>" * 190, "<i>x</i>"), ("<div>" * 190, "<i>x</i>"), ("<b>" * 3, "<p>x"), ("", "<em></em>"),
     ("", "<br> "), ("", "<img>"), ("", "<a href=a>x</a>"), ("", "<"), ("", "&"), ("<p>", "<i></i></b>"),
     ("<span>" * 100, "x<p>y</p>"), ("<ul>", "<li><b>x</b>"), ("", "&nbsp;"), ("<table>", "<tr><td>x"),
     ("", "<video src=a><p>x</video>"), ("", "<form>x</form>"), ("<span>" * 100, "<iframe src=a></iframe><br>"),
     ("", '<a href="/a">x</a>'), ("<b>" * 100, "<div>x</div> "), ("", "<img srcset='a 1x, b 2x'>")],
)  # fmt: skip
def test_the_effort_of_a_body_grows_with_its_length_alone(around: str, piece: str) -> None:
    def make(size: int) -> str:
        return around + piece * (size // len(piece))

    assert growth(make, lambda html: sanitised(fragment_blocks(html), "https://contoh.id/")) < QUADRATIC


def test_the_text_of_a_node_is_that_of_its_elements_in_order_and_blocks_stand_apart() -> None:
    html = "<div>a<b>b<i>c</i></b><p>d</p>e<script>x</script><br>f<ul><li>g<li>h</ul></div>i"
    node = LexborHTMLParser(html).css_first("div")
    assert node is not None
    assert text_of(node) == "abc d e f g h"
    assert text_of(node.css_first("b")) == "bc"
    assert text_of(node.css_first("script")) == "x"
