"""Manners of fetching: one request at a time, a pause, robots.txt, and hosts that ask to be left alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import ManualClock
from support.reading import Answer as Told
from support.reading import Server, open_source
from support.site import Answer, Site, client, serving

from publisher.errors import FetchError
from publisher.outbound import Outbound
from publisher.sources.fetching.politeness import Polite
from publisher.sources.fetching.robots import parse


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as found:
        found["/a"], found["/b"] = "A", "B"
        yield found


@pytest.fixture
async def http() -> AsyncIterator[Outbound]:
    async with client() as found:
        yield found


class Waits:
    """Instead of sleeping: the clock moves on, and how far is kept."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(round(seconds, 3))
        self.clock.advance(seconds)


@pytest.fixture
def waits(clock: ManualClock) -> Waits:
    return Waits(clock)


@pytest.fixture
def polite(http: Outbound, clock: ManualClock, waits: Waits) -> Any:
    def make(**more: Any) -> Polite:
        return Polite(http, now=clock, sleep=waits, **more)

    return make


async def test_each_request_to_a_host_is_followed_by_a_pause(site: Site, polite: Any, waits: Waits) -> None:
    one = polite(pause=0.5, robots=False)
    for _ in range(3):
        await one.get(f"{site.url}/a")
    assert waits.seconds == [0.5, 0.5]


async def test_time_that_has_passed_anyway_is_not_waited_for(
    site: Site, polite: Any, waits: Waits, clock: ManualClock
) -> None:
    one = polite(pause=0.5, robots=False)
    await one.get(f"{site.url}/a")
    clock.advance(0.4)
    await one.get(f"{site.url}/a")
    assert waits.seconds == [0.1]


async def test_another_host_waits_for_nothing(site: Site, polite: Any, waits: Waits) -> None:
    async with serving() as other:
        other["/a"] = "A"
        one = polite(pause=0.5, robots=False)
        await asyncio.gather(one.get(f"{site.url}/a"), one.get(f"{other.url}/a"))
    assert waits.seconds == []


async def test_a_host_has_one_request_at_a_time(clock: ManualClock, waits: Waits) -> None:
    running, most = 0, 0

    class Slow(Server):
        async def get(self, url: str, headers: Any = None, limit: int = 0) -> Told:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5):
                await asyncio.sleep(0)
            running -= 1
            return Told(b"x")

    one = Polite(Slow(), robots=False, now=clock, sleep=waits)
    await asyncio.gather(*(one.get(f"http://a.example/{n}") for n in range(4)))
    assert most == 1


async def test_what_robots_txt_forbids_is_not_asked_for(site: Site, polite: Any) -> None:
    site["/robots.txt"] = b"User-agent: *\nDisallow: /a\n"
    one = polite()
    with pytest.raises(FetchError, match=r"robots\.txt of 127\.0\.0\.1:\d+ does not let publisher read this"):
        await one.get(f"{site.url}/a")
    assert (await one.get(f"{site.url}/b")).status == 200
    assert [path for path, _ in site.asked] == ["/robots.txt", "/b"]


async def test_robots_txt_is_asked_for_anew_after_an_hour(site: Site, polite: Any, clock: ManualClock) -> None:
    site["/robots.txt"] = b""
    one = polite(pause=0.0)
    for seconds in (0, 3599, 1):
        clock.advance(seconds)
        await one.get(f"{site.url}/a")
    assert [path for path, _ in site.asked] == ["/robots.txt", "/a", "/a", "/robots.txt", "/a"]


async def test_where_the_setting_is_off_robots_txt_is_not_asked_for(site: Site, polite: Any) -> None:
    await polite(robots=False).get(f"{site.url}/a")
    assert [path for path, _ in site.asked] == ["/a"]


async def test_no_robots_txt_allows_everything_and_a_broken_server_nothing_for_now(
    site: Site, polite: Any, clock: ManualClock
) -> None:
    assert (await polite().get(f"{site.url}/a")).status == 200
    site["/robots.txt"] = 500
    one = polite()
    with pytest.raises(FetchError, match=r"robots\.txt answered 500, so that nothing may be read for now"):
        await one.get(f"{site.url}/a")
    site["/robots.txt"] = 404
    clock.advance(300)
    assert (await one.get(f"{site.url}/a")).status == 200


async def test_a_host_that_cannot_be_reached_is_told_of_as_such(polite: Any, site: Site) -> None:
    async with serving() as gone:
        url = gone.url
    with pytest.raises(FetchError, match="cannot connect to"):
        await polite().get(f"{url}/a")


@pytest.mark.parametrize(("asked", "waited"), [("3", 3.0), ("0.1", 0.5), ("90", 10.0), ("soon", 0.5)])
async def test_a_crawl_delay_of_up_to_ten_seconds_is_heeded(
    site: Site, polite: Any, waits: Waits, asked: str, waited: float
) -> None:
    site["/robots.txt"] = f"User-agent: publisher\nCrawl-delay: {asked}\n".encode()
    one = polite(pause=0.5)
    await one.get(f"{site.url}/a")
    await one.get(f"{site.url}/a")
    assert waits.seconds == [waited, waited]


@pytest.mark.parametrize("value", ["120", "Mon, 02 Mar 2026 09:02:00 GMT"])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_host_that_says_when_to_come_back_is_left_alone_until_then(
    site: Site, polite: Any, clock: ManualClock, status: int, value: str
) -> None:
    site["/a"] = Answer(status=status, headers={"Retry-After": value})
    one = polite(robots=False, pause=0.0)
    assert (await one.get(f"{site.url}/a")).status == status
    with pytest.raises(FetchError, match="is left alone until 2026-03-02T09:02:00Z, as its server asked") as caught:
        await one.get(f"{site.url}/b")
    assert caught.value.retry_after == 120
    assert len(site.asked) == 1
    clock.advance(120)
    assert (await one.get(f"{site.url}/b")).status == 200


async def test_hosts_that_were_not_asked_for_long_are_forgotten(clock: ManualClock, waits: Waits) -> None:
    one = Polite(Server(), robots=False, now=clock, sleep=waits)
    for n in range(2100):
        await one.get(f"http://h{n}.example/")
    assert len(one._hosts) == 2000


async def test_a_host_that_is_being_asked_is_not_forgotten(clock: ManualClock, waits: Waits) -> None:
    held, release = asyncio.Event(), asyncio.Event()

    class Slow(Server):
        async def get(self, url: str, headers: Any = None, limit: int = 0) -> Told:
            if "slow" in url:
                held.set()
                await release.wait()
            return Told(b"x")

    one = Polite(Slow(), robots=False, now=clock, sleep=waits)
    first = asyncio.create_task(one.get("http://slow.example/"))
    await held.wait()
    for n in range(2100):
        await one.get(f"http://h{n}.example/")
    assert "http://slow.example" in one._hosts
    assert "http://h0.example" not in one._hosts
    release.set()
    await first


async def test_a_sources_refusal_by_robots_txt_is_its_error(
    tmp_path: Path, site: Site, polite: Any, clock: Any
) -> None:
    site["/robots.txt"] = b"User-agent: publisher\nDisallow: /\n"
    source = open_source("page", tmp_path, clock, http=polite(), url=f"{site.url}/a")
    with pytest.raises(FetchError, match="does not let publisher read this"):
        await source.read({})


# --- robots.txt itself, with the examples of RFC 9309 sections 2.2 and 5


ROBOTS = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("robot", "path", "allowed"),
    [
        ("publisher", "/publications/x", True),
        ("publisher", "/example/x", False),
        ("publisher", "/a/b.gif", False),
        ("publisher", "/a/b.gif?x", True),
        ("FooBot", "/other", False),
        ("foobot", "/example/page.html", True),
        ("bazbot", "/example/page.html", False),
        ("barbot", "/example/allowed.gif", True),
        ("quxbot", "/example/x", True),
    ],
)
def test_the_examples_of_the_standard(robot: str, path: str, allowed: bool) -> None:
    assert parse(ROBOTS, robot).allows(f"http://a.example{path}") is allowed


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("Disallow: /p\nAllow: /p", "/p", True),  # of two alike the one that allows
        ("Allow: /p\nDisallow: /", "/p/x", True),
        ("Disallow: /*?s=", "/search?s=x", False),
        ("Disallow: /*?s=", "/search", True),
        ("Disallow: /caf%C3%A9", "/café", False),
        ("Disallow: /café", "/caf%c3%a9", False),
        ("Disallow:", "/x", True),
        ("Disallow: /x # a comment", "/x", False),
        ("Sitemap: http://a.example/s.xml\nDisallow: /x", "/x", False),
    ],
)
def test_what_rules_mean(rules: str, path: str, allowed: bool) -> None:
    assert parse(f"user-agent: publisher/1.0\n{rules}", "publisher").allows(f"http://a.example{path}") is allowed


HOSTILE_ROBOTS = {
    "robots without rules": "user-agent: b{n}\n",
    "rules of ours": "disallow: /{n}*a*b\n",
    "stars": "*a",
    "blanks": "user agent ",
    "comments": "#",
}


@pytest.mark.parametrize("name", HOSTILE_ROBOTS)
def test_reading_takes_time_in_proportion_to_the_file(name: str) -> None:
    def spent(size: int) -> float:
        piece = HOSTILE_ROBOTS[name]
        text = "user-agent: publisher\ndisallow: /" + "".join(piece.format(n=n) for n in range(size // len(piece)))
        text += "\n" + "".join(f"disallow: /{n}\n" for n in range(size // 16))
        took = []
        for _ in range(3):
            began = time.process_time()
            parse(text, "publisher").allows("http://a.example/" + "a" * 1000)
            took.append(time.process_time() - began)
        return min(took)

    assert spent(128 * 1024) < 20 * max(spent(16 * 1024), 0.002)


@given(st.text())
def test_whatever_stands_in_robots_txt_it_can_be_read(text: str) -> None:
    parse(text, "publisher").allows("http://a.example/x?y=z")
