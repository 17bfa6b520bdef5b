"""How ids begin: as they did in what was published, and differently for each installation of a host."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.render import identity
from publisher.render.identity import beginning, first_beginning

SITES = {
    "https://example.id": "tag:example.id,2026:",
    "https://example.id/": "tag:example.id,2026:",
    "https://example.id:443": "tag:example.id,2026:",
    "http://EXAMPLE.id": "tag:example.id,2026:",
    "https://example.id:8443": "tag:example.id,2026:8443:",
    "https://example.id/berita": "tag:example.id,2026:/berita:",
    "https://example.id/berita/id": "tag:example.id,2026:/berita/id:",
    "https://example.id:8443/berita": "tag:example.id,2026:8443/berita:",
    "https://example.id/Köln [1]": "tag:example.id,2026:/K%C3%B6ln%20%5B1%5D:",
    "https://bücher.example": "tag:xn--bcher-kva.example,2026:",
    "http://[2001:db8::1]:8080": "tag:2001-db8--1,2026:8080:",
    "http://meja_berita": "tag:meja-berita,2026:",
    "http://127.0.0.1:8080": "tag:127.0.0.1,2026:8080:",
}

# RFC 4151: authority, date, and what RFC 3986 allows in a path or query.
_TAG = re.compile(r"tag:[a-z0-9.-]+,\d{4}:(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*")


@pytest.mark.parametrize(("site", "begins"), SITES.items())
def test_ids_begin_with_the_host_and_with_port_and_path_where_they_are_not_the_usual(site: str, begins: str) -> None:
    assert beginning(site) == begins


@pytest.mark.parametrize("site", SITES)
def test_an_id_is_a_tag_uri(site: str) -> None:
    ids = beginning(site)
    made = [
        identity.article_id(ids, "a3f"),
        identity.indicator_id(ids, "USD/IDR", "2026-11-22"),
        identity.event_id(ids, "evt_1"),
        identity.feed_id(ids, "news"),
    ]
    assert all(_TAG.fullmatch(one) for one in made)


sites = st.builds(
    lambda port, path: f"https://example.id{port}{path}",
    st.sampled_from(["", ":8080", ":8443", ":80"]),
    st.lists(st.sampled_from(["feed", "a1", "indicator", "8080", "event", ":", "a:b", "x%3A"]), max_size=3).map(
        lambda parts: "".join(f"/{one}" for one in parts)
    ),
)
items = st.sampled_from(["a1", "8080", "feed", "indicator", "evt_1"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sites, sites, items, items)
def test_no_two_installations_of_a_host_share_an_id(one: str, other: str, first: str, second: str) -> None:
    def made(site: str, item: str) -> set[str]:
        ids = beginning(site)
        return {
            identity.article_id(ids, item),
            identity.feed_id(ids, item),
            identity.event_id(ids, item),
            identity.indicator_id(ids, item, "2026-11-22"),
        }

    if beginning(one) != beginning(other):
        assert not made(one, first) & made(other, second)


def test_ids_of_the_first_releases_had_the_host_alone() -> None:
    assert first_beginning("http://127.0.0.1:8080/berita") == "tag:127.0.0.1,2026:"
