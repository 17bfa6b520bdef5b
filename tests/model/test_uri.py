"""Addresses as URIs: what people write, and what documents and headers may carry."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from publisher.model.uri import iri, uri

# RFC 3986, appendix A: a URI reference, as far as characters go.
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://example.id/a", "https://example.id/a"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://BÜCHER.Example:8443/", "https://xn--bcher-kva.example:8443/"),
        ("https://пример.рф/да?q=да#да", "https://xn--e1afmkfd.xn--p1ai/%D0%B4%D0%B0?q=%D0%B4%D0%B0#%D0%B4%D0%B0"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://☕.example/", "https://xn--53h.example/"),
        ("https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/"),
        ("https://under_score.bücher.example/", "https://under_score.xn--bcher-kva.example/"),
        ("https://example.id/berita/café au lait", "https://example.id/berita/caf%C3%A9%20au%20lait"),
        ("https://example.id/caf%C3%A9/%e2%82%ac", "https://example.id/caf%C3%A9/%e2%82%ac"),
        ("https://example.id/100%/50%2", "https://example.id/100%25/50%252"),
        ("https://example.id/a[1].jpg?filter[tag]=x", "https://example.id/a%5B1%5D.jpg?filter%5Btag%5D=x"),
        ("https://example.id/#a[0]#b", "https://example.id/#a%5B0%5D%23b"),
        ("https://[2001:db8::1]:8080/a[1]", "https://[2001:db8::1]:8080/a%5B1%5D"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ('https://example.id/?a=1|2&b={c}&d="e"', "https://example.id/?a=1%7C2&b=%7Bc%7D&d=%22e%22"),
        ("https://example.id/a?", "https://example.id/a?"),
        ("https://example.id/a\\b", "https://example.id/a%5Cb"),
        ("  https://example.id/a\n b\t ", "https://example.id/a%20b"),
        ("mailto:redaksi@example.id?subject=Berita hari ini", "mailto:redaksi@example.id?subject=Berita%20hari%20ini"),
        ("https://exa\ud800mple.id/\x00", "https://example.id/"),
        ("tag:example.id,2026:feed/news", "tag:example.id,2026:feed/news"),
        ("/relative/ä", "/relative/%C3%A4"),
        ("", ""),
    ],
)
def test_an_address_is_written_as_the_uri_it_means(written: str, meant: str) -> None:
    assert uri(written) == meant


_PIECES = st.sampled_from(
    [
        "http://",
        "https://",
        "//",
        "/",
        "?",
        "#",
        "@",
        ":",
        "[",
        "]",
        "%",
        "%2F",
        "%C3",
        "ü",
        "xn--",
        ".",
        "。",
        "a",
        " ",
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(_PIECES, st.text(max_size=4)), max_size=12).map("".join))
@example("http://[::1")
@example("http://a@b@c:d:e/")
@example("http://\u0378.example/")
@example("http://%C3%BC%2F.example/")
@example("http://" + "ü" * 300 + "/")
def test_whatever_is_written_becomes_a_uri_that_is_its_own_answer(text: str) -> None:
    made = uri(text)
    assert _CHARACTERS.fullmatch(made)
    assert uri(made) == made


@pytest.mark.parametrize(
    "written",
    [
        "https://bücher.example/straße?ü=ö#ä",
        "https://пример.рф:8443/да",
        "https://example.id/a[1]|b?q={x}",
        "https://example.id/100%25/%2F%20x",
        "https://[2001:db8::1]/é",
        "https://example.id/%FF",
        "/a/é",
    ],
)
def test_an_address_as_people_write_it_is_found_again_in_its_uri(written: str) -> None:
    assert iri(uri(written)) == written


@given(st.lists(st.one_of(_PIECES, st.text(max_size=4)), max_size=12).map("".join))
@example("http://xn--\u0378.xn--99999999999/%C3")
def test_whatever_stands_behind_a_host_the_uri_of_its_written_form_is_the_same(text: str) -> None:
    made = uri(f"https://bücher.example/{text}")
    assert uri(iri(made)) == made
    assert iri(uri(text)) is not None
