"""A newsroom's busy hour, a minute a round and without a pause: what is held at the end was held in the middle."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
from multidict import CIMultiDictProxy
from support.receiver import Receiver, receiving
from support.service import Service, api_client, key_of, serving, write_installation

ROUNDS = 80
WARM = 50
"""Rounds after which every cache has its size."""

GROWTH = 1.05
"""What an allocator keeps in pieces varies by a few percent; a leak of three kilobytes a request would be more."""

LATE = 4
"""Descriptors that may come late and stay: a connection to the database that was not needed before has three files, and
one to a receiver or client may just be open. A leak would have one for each of the last thirty rounds."""

FEED = 'title = "Berita, edisi {number}"\nitems = "articles"\nlimit = 300\n'


class Round:
    """A minute of it: pushes, edits, withdrawals, readers, followers, an edit of the configuration, and bad manners."""

    def __init__(self, service: Service, client: aiohttp.ClientSession, receiver: Receiver, number: int) -> None:
        self._service = service
        self._client = client
        self._receiver = receiver
        self._number = number

    async def run(self) -> None:
        told = len(self._receiver.attempts)
        await self._call("GET", "/api/v1/events?limit=50", 200)
        await self._write()
        await self._receiver.until(lambda: len(self._receiver.attempts) >= told + 25)
        await self._read()
        await self._register_and_remove()
        await self._misbehave()
        await self._edit()

    async def _write(self) -> None:
        # The ids come again every third round, so that the site does not grow.
        ids = [f"kabar-{self._number % 3}-{n}" for n in range(10)]
        for edition in ("pagi", "sore"):
            body = f"<p>Isi edisi {edition} putaran {self._number}. {'Kata ' * 400}</p>"
            for id in ids:
                await self._call(
                    "PUT", f"/api/v1/articles/{id}", 200, 201, json={"title": f"{id} {edition}", "body": body}
                )
        for id in ids[:5]:
            await self._call("DELETE", f"/api/v1/articles/{id}", 200)

    async def _read(self) -> None:
        for form in ("rss", "atom", "json"):
            etag = (await self._call("GET", f"/feeds/news.{form}", 200))["ETag"]
            for _ in range(15):
                await self._call("GET", f"/feeds/news.{form}", 304, headers={"If-None-Match": etag})
        for path in ("/", "/feeds/news", "/api/v1/articles?limit=20", "/api/v1/webhooks", "/healthz", "/readyz"):
            await self._call("GET", path, 200)

    async def _register_and_remove(self) -> None:
        registration = {"url": self._receiver.url + f"/{self._number}", "feeds": ["news"]}
        async with self._client.post(f"{self._service.url}/api/v1/webhooks", json=registration) as answer:
            assert answer.status == 201, await answer.text()
            id = (await answer.json())["id"]
        await self._call("DELETE", f"/api/v1/webhooks/{id}", 204)

    async def _misbehave(self) -> None:
        await self._call("PUT", "/api/v1/articles/x", 400, data=b"{", headers={"Content-Type": "application/json"})
        wrong = {"Authorization": f"Bearer pk_wrong_{self._number}"}
        await self._call("GET", "/api/v1/webhooks", 401, 429, headers=wrong)
        await self._call("GET", f"/feeds/none-{self._number}.atom", 404)
        port = int(self._service.url.rsplit(":", 1)[1])
        for beginning in (
            b"",
            b"GET / HTTP/1.1\r\n",
            b"GET /feeds/news.rss HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01",
        ):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(beginning)
            writer.transport.abort()

    async def _edit(self) -> None:
        if self._number % 10:
            return
        seen = len(self._service.log)
        (self._service.home / "feeds/news.toml").write_text(FEED.format(number=self._number))
        await self._service.logged("config.reloaded", after=seen)

    async def _call(self, method: str, path: str, *expected: int, **sent: object) -> CIMultiDictProxy[str]:
        async with self._client.request(method, self._service.url + path, **sent) as answer:  # type: ignore[arg-type]
            text = await answer.text()
            assert answer.status in expected, f"{method} {path}: {answer.status} {text}"
            return answer.headers


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in _descendants(int(child)))]


def _resident(pid: int) -> int:
    """Kilobytes in memory, of the process and what it started."""
    lines = (line for one in _descendants(pid) for line in Path(f"/proc/{one}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _descriptors(pid: int) -> int:
    return sum(len(os.listdir(f"/proc/{one}/fd")) for one in _descendants(pid))


async def test_an_hour_of_work_leaves_memory_and_descriptors_as_they_were(tmp_path: Path) -> None:
    home = write_installation(tmp_path)
    key = await key_of(home)
    async with serving(home) as service, receiving(lambda n: 500 if n % 50 == 7 else 204) as receiver:
        async with api_client(key) as client:
            registration = {"url": receiver.url, "feeds": ["news"]}
            async with client.post(f"{service.url}/api/v1/webhooks", json=registration) as answer:
                assert answer.status == 201, await answer.text()
            held = []
            for number in range(ROUNDS):
                await Round(service, client, receiver, number).run()
                held.append((_resident(service.pid), _descriptors(service.pid)))
        memory = [resident for resident, _ in held]
        descriptors = [count for _, count in held]
        assert max(memory[-10:]) < GROWTH * max(memory[: WARM + 1]), memory
        assert max(descriptors[-10:]) <= max(descriptors[: WARM + 1]) + LATE, descriptors
        assert not [entry for entry in service.log if "exception" in entry]
