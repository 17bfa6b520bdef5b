"""Which parameters of an address say which page it is."""

from __future__ import annotations

import pytest

from publisher.sources.urls import identifying, with_fragment

SITE = "https://kanal.example"


@pytest.mark.parametrize(
    "noise",
    [
        "utm_source=rss", "utm_id=5", "fbclid=IwAR0", "gclid=1", "msclkid=1", "yclid=7", "at_medium=RSS", "cmp=rss",
        "at_campaign=x&at_custom1=y", "mc_cid=1&mc_eid=2", "_ga=1.2", "xtor=RSS-1", "ref=rss", "source=rss_feed",
        "from=feed", "output=xml", "token=abc&expires=1707435060", "expires=1", "signature=9f", "X-Amz-Expires=300",
        "PHPSESSID=8a", "jsessionid=A1", "sid=8f14e45fceea167a5a36", "_=1707435060123", "ts=1707435060", "smid=tw",
        "s_cid=a", "wt_mc=rss", "pk_campaign=f", "mtm_source=f", "guccounter=1", "igshid=1", "access_token=1",
    ],
)  # fmt: skip
def test_what_only_tracks_or_lets_in_is_no_part_of_an_identity(noise: str) -> None:
    assert identifying(f"{SITE}/berita/panen?{noise}") == f"{SITE}/berita/panen"
    assert identifying(f"{SITE}/index.php?id=7&{noise}") == f"{SITE}/index.php?id=7"


@pytest.mark.parametrize(
    "query",
    [
        "id=7", "p=7", "story=7", "page=2", "article=a", "newsid=5", "s=panen", "q=panen", "sid=2024", "ref=2024-5",
        "source=reuters", "v=dQw4", "t=5", "key=padi", "hash=padi", "session=5", "from=jakarta", "format=amp", "ts=5",
        "cat=rss-news", "date=20240209", "b", "b=",
    ],
)  # fmt: skip
def test_what_may_say_which_page_it_is_stays(query: str) -> None:
    assert identifying(f"{SITE}/berita?{query}") == f"{SITE}/berita?{query}"


@pytest.mark.parametrize("address", ["/?token=8f14", "/article.php?sid=8f14e45fceea167a5a36", "/story?signature=1"])
def test_what_alone_can_say_which_page_it_is_stays(address: str) -> None:
    assert identifying(SITE + address) == SITE + address


@pytest.mark.parametrize(
    ("address", "known_by"),
    [
        ("/a;jsessionid=1F3?id=5", "/a?id=5"),
        ("/a;v=2", "/a;v=2"),
        ("/a?b=1&utm_id=2&c", "/a?b=1&c"),
        ("/a?c&token=1&c=", "/a?c&c="),
    ],
)
def test_the_rest_of_an_address_stays_as_it_was_written(address: str, known_by: str) -> None:
    assert identifying(SITE + address) == SITE + known_by


@pytest.mark.parametrize(
    ("fragment", "kept"),
    [("a", "#a"), ("entry-2", "#entry-2"), ("xtor=RSS-1", ""), ("utm_source=x", ""), (":~:text=a", ""), ("", "")],
)
def test_a_fragment_is_a_place_unless_it_tracks(fragment: str, kept: str) -> None:
    assert with_fragment(f"{SITE}/live#{fragment}") == f"{SITE}/live{kept}"
