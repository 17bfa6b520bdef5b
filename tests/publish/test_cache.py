"""Caches that stay within a bound."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from publisher.publish.addresses import Address
from publisher.publish.cache import Bounded
from publisher.publish.codings import GZIP, IDENTITY
from publisher.publish.shelf import Shelf

BODIES = {GZIP: b"packed", IDENTITY: b"body"}


@given(st.lists(st.tuples(st.integers(0, 6), st.binary(max_size=60)), max_size=60))
def test_a_bounded_cache_never_holds_more_than_its_bytes(puts: list[tuple[int, bytes]]) -> None:
    cache: Bounded[int, bytes] = Bounded(100, len)
    for key, value in puts:
        cache.put(key, value)
        assert cache.get(key) == value
        assert cache.used <= 100
    assert cache.used == sum(len(cache.get(key) or b"") for key in range(7))


def test_what_was_used_last_stays() -> None:
    cache: Bounded[str, bytes] = Bounded(2, len)
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.get("a")
    cache.put("c", b"3")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"1", None, b"3")


def test_what_is_larger_than_all_room_is_not_held_and_drives_nothing_out() -> None:
    cache: Bounded[str, bytes] = Bounded(2, len)
    cache.put("a", b"1")
    cache.put("b", b"222")
    assert (cache.get("a"), cache.get("b")) == (b"1", None)


def test_a_version_half_written_is_not_found_and_is_cleared_away(tmp_path: Path) -> None:
    Shelf(tmp_path).put(Address("news", "rss"), "v1", BODIES)
    (tmp_path / ".writing-x").write_bytes(b"bo")
    (tmp_path / "news.rss.v2").write_bytes(b"body without its packed form")
    shelf = Shelf(tmp_path)
    assert shelf.find(Address("news", "rss"), "v2") is None
    assert shelf.find(Address("news", "rss"), "v1") is not None
    assert not list(tmp_path.glob(".writing-*"))


def test_a_feed_whose_name_begins_like_anothers_keeps_its_files(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(Address("news-gold", "rss"), "v1", BODIES)
    for version in range(5):
        shelf.put(Address("news", "rss"), f"v{version}", BODIES)
    assert shelf.find(Address("news-gold", "rss"), "v1") is not None
