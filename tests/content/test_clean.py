"""What an article's HTML may be, whatever markup comes in."""

from __future__ import annotations

import pytest
from content.markup import is_allowed, markup, unhurried
from hypothesis import given
from hypothesis import strategies as st

from publisher.content import clean, markup_of, text_of

BASE = "https://example.com/a/b"

CASES = {
    "text that looks like an attribute": (
        """<p><img src="https://example.org/n.png" alt="x src='bar"> ' <a title=" onerror=document.title='x' y=" """
        """href="https://example.org/">link</a></p>""",
        """<p><img src="https://example.org/n.png" alt="x src='bar"> ' """
        """<a title="onerror=document.title='x' y=" href="https://example.org/" """
        """rel="noopener noreferrer">link</a></p>""",
    ),
    "text of a program": (
        """<p>the code is <code> src="rel.png"</code></p>""",
        """<p>the code is <code> src="rel.png"</code></p>""",
    ),
    "what was deleted": (
        "<p><del>10</del> <ins>12</ins> <s>a</s> <strike>b</strike> <q>c</q></p>",
        "<p><del>10</del> <ins>12</ins> <s>a</s> <strike>b</strike> <q>c</q></p>",
    ),
    "small marks": (
        '<p>H<sub>2</sub>O, x<sup>2</sup>, <abbr title="Hypertext">HT</abbr>, <mark>seen</mark></p>',
        '<p>H<sub>2</sub>O, x<sup>2</sup>, <abbr title="Hypertext">HT</abbr>, <mark>seen</mark></p>',
    ),
    "a list that begins at three": ('<ol start="3" class="x"><li>c</li></ol>', '<ol start="3"><li>c</li></ol>'),
    "definitions": ("<dl><dt>a</dt><dd>b</dd></dl>", "<dl><dt>a</dt><dd>b</dd></dl>"),
    "ruby": ("<p><ruby>漢<rp>(</rp><rt>kan</rt></ruby></p>", "<p><ruby>漢<rp>(</rp><rt>kan</rt></ruby></p>"),
    "directions and languages": (
        '<p dir="RTL" lang="ar">نص <span>x</span></p><p dir="sideways" lang="&quot;">y</p>',
        '<p dir="rtl" lang="ar">نص x</p><p>y</p>',
    ),
    "a table": (
        '<table class="x"><tr><th scope="col" colspan="2">a</th></tr><tr><td></td><td>b</td></tr></table>',
        '<table><tbody><tr><th scope="col" colspan="2">a</th></tr><tr><td></td><td>b</td></tr></tbody></table>',
    ),
    "a figure": (
        '<figure><img src="/i.png" width="40" height="30" onload="x()"><figcaption>c</figcaption></figure>',
        '<figure><img src="https://example.com/i.png" width="40" height="30"><figcaption>c</figcaption></figure>',
    ),
    "an embedded page": (
        '<p><iframe src="//video.example/embed/1" title="A film"></iframe></p>',
        '<p><a href="https://video.example/embed/1" rel="noopener noreferrer">A film</a></p>',
    ),
    "a film with sources": (
        '<video controls><source src="a.mp4">Your browser is old.</video>',
        '<a href="https://example.com/a/a.mp4" rel="noopener noreferrer">https://example.com/a/a.mp4</a>',
    ),
    "a sound in a link": (
        '<a href="/x"><audio src="a.mp3" title="Listen"></audio></a>',
        '<a href="https://example.com/x" rel="noopener noreferrer">Listen</a>',
    ),
    "a picture that loads late": (
        '<img src="data:image/gif;base64,R0" data-src="/late.jpg">',
        '<img src="https://example.com/late.jpg">',
    ),
    "a picture in sizes": (
        '<img srcset="/s,1.jpg 320w, /l.jpg 1024w,/m.jpg 640w">',
        '<img src="https://example.com/l.jpg">',
    ),
    "an address for letters": (
        '<a href="mailto:desk@example.com">write</a>',
        '<a href="mailto:desk@example.com" rel="noopener noreferrer">write</a>',
    ),
    "an address with what no document may hold": (
        '<iframe src="0\x1b"></iframe>',
        '<a href="https://example.com/a/0" rel="noopener noreferrer">https://example.com/a/0</a>',
    ),
    "a heading of the page's rank": ("<h1>T</h1><h6>t</h6>", "<h2>T</h2><h4>t</h4>"),
    "nothing in it": ("<p> <br>&nbsp; <b><i> </i></b></p><p>a<em></em>b</p><ul><li></li></ul>", "<p>ab</p>"),
    "lines at the edges": ("<p><br> a<br>b <br></p>", "<p>a<br>b</p>"),
    "lines of a program": ("<pre>a\n  b\n\nc</pre>", "<pre>a\n  b\n\nc</pre>"),
    "what is no text": (
        "<p>a<script>b</script><style>c</style><textarea>d</textarea><template>e</template></p>",
        "<p>a</p>",
    ),
    "another language inside": (
        "<svg><style><img src=x onerror=x()></style></svg><math><mtext><table><mglyph><style><img src=x>",
        '<img src="https://example.com/a/x">',  # where a picture begins, the other language has ended
    ),
    "blocks that are not kept": ("<div>one</div><section>two</section>", "one two"),
    "blocks that are not kept, in one that is": (
        "<blockquote><div>one</div>two <section>three</section></blockquote>",
        "<blockquote>one two three</blockquote>",
    ),
    "text in nothing but elements that are not kept": ("<p><span><font>one</font></span></p>", "<p>one</p>"),
    "numbers around what is not kept": (
        "<p>10<select><option>1</select>12<svg></svg>14<img src='data:x'>16<iframe></iframe>18</p>",
        "<p>10 12 14 16 18</p>",
    ),
    "numbers around what becomes a link": (
        '<p>10<video src="/v.mp4" title="11"></video>12</p>',
        '<p>10 <a href="https://example.com/v.mp4" rel="noopener noreferrer">11</a> 12</p>',
    ),
    "a number that nobody sees": (
        '<p>Price <span style="color: red; display: none">10</span>12<b hidden>13</b></p>',
        "<p>Price 12</p>",
    ),
    "how a list counts": (
        '<ol type="a" start="-2"><li value="-5">x</li></ol><ol type="x"></ol>',
        '<ol type="a" start="-2"><li value="-5">x</li></ol>',
    ),
    "a language that was renamed": ('<p lang="in">x</p><p lang="xx-">y</p>', '<p lang="id">x</p><p>y</p>'),
    "a legend": ("<fieldset><legend>10</legend>12</fieldset>", "10 12"),
    "white space around what is not there": ("<p>a <!-- x --> <b> </b> b</p>", "<p>a b</p>"),
    "characters that no XML has": ("<p>a\x0bb\ufffe</p>", "<p>ab</p>"),
}


@pytest.mark.parametrize("name", CASES)
def test_html_is_cleaned_to_what_the_table_says(name: str) -> None:
    given, right = CASES[name]
    assert clean(given, BASE).html == right


@pytest.mark.parametrize(
    ("html", "notes"),
    [
        ('<a href="/about">x</a>', ["a link to '/about' is left out: it has no base to stand on"]),
        (
            '<img src="i.png"><img src="i.png">',
            ["a picture to 'i.png' is left out: it has no base to stand on (2 times)"],
        ),
        (
            '<a href="javascript:x()">x</a>',
            ["a link to 'javascript:x()' is left out: it is no address that can be kept"],
        ),
        ("<script>x()</script>", ["<script> is left out"]),
        ("<p>Now <button>10</button></p>", ["<button> is left out"]),
        ("<p>Price <s hidden>10</s> 12</p>", ["'10' is left out: the page does not show it"]),
        ("<iframe></iframe>", ["<iframe> without an address is left out"]),
        ('<p class="x" onclick="y()"><a href="https://example.org/">x</a></p>', []),
    ],
)
def test_what_somebody_may_miss_is_told(html: str, notes: list[str]) -> None:
    assert list(clean(html, None).notes) == notes


def test_a_flood_of_notes_is_cut_and_counted() -> None:
    notes = clean("".join(f'<a href="/{n}">x</a>' for n in range(100)), None).notes
    assert len(notes) == 20
    assert notes[-1] == "81 more"


@unhurried
@given(markup())
def test_whatever_comes_in_only_what_is_allowed_comes_out(markup: str) -> None:
    assert is_allowed(clean(markup, BASE).html)


@unhurried
@given(markup())
def test_what_is_clean_is_not_changed_again(markup: str) -> None:
    once = clean(markup, BASE).html
    assert clean(once, BASE).html == once
    assert clean(once, None).html == once


@unhurried
@given(markup())
def test_what_is_clean_comes_out_of_its_tags_and_texts_as_it_went_in(markup: str) -> None:
    once = clean(markup, BASE).html
    # A parser drops a line break at the start of <pre>, which shows nothing.
    assert "".join(markup_of(once)).replace("<pre>\n", "<pre>") == once.replace("<pre>\n", "<pre>")


@unhurried
@given(st.lists(st.text("abc <>&\"'=/!-", min_size=1), min_size=1))
def test_text_that_people_see_is_kept_letter_for_letter(texts: list[str]) -> None:
    from html import escape

    html = "".join(f"<p>{escape(text)}</p>" for text in texts)
    assert text_of(clean(html, BASE).html) == " ".join(" ".join(texts).split())


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('<a href="https://bücher.example/ä">x</a>', "https://xn--bcher-kva.example/%C3%A4"),
        ('<a href="/a[1]?r[]=%zz">x</a>', "https://x.id/a%5B1%5D?r%5B%5D=%25zz"),
        ('<a href="mailto:redaksi@x.id?subject=Apa kabar">x</a>', "mailto:redaksi@x.id?subject=Apa%20kabar"),
        ('<img src="foto é.jpg">', "https://x.id/news/foto%20%C3%A9.jpg"),
        ('<q cite="https://пример.рф/">x</q>', "https://xn--e1afmkfd.xn--p1ai/"),
        ('<iframe src="https://video.example/ü" title="V"></iframe>', "https://video.example/%C3%BC"),
        ('<img data-srcset="https://x.id/1|2.jpg 300w">', "https://x.id/1%7C2.jpg"),
        ('<a href="http://[2001:db8::1]/a">x</a>', "http://[2001:db8::1]/a"),
    ],
)
def test_every_address_that_is_kept_is_a_uri(written: str, kept: str) -> None:
    assert f'"{kept}"' in clean(written, "https://x.id/news/1").html
