"""A service that has few descriptors goes on, whoever takes them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from support.delivering import PAUSE
from support.service import Service, migrated, write_installation

DESCRIPTORS, CLIENTS = 96, 150


async def test_more_clients_than_descriptors_are_turned_away_and_the_next_is_answered(tmp_path: Path) -> None:
    service = Service(migrated(write_installation(tmp_path)), descriptors=DESCRIPTORS)
    await service.start()
    try:
        assert (await service.logged("service.few_descriptors"))["limit"] == DESCRIPTORS
        port = urlsplit(service.url).port
        held = await asyncio.gather(
            *(asyncio.open_connection("127.0.0.1", port) for _ in range(CLIENTS)), return_exceptions=True
        )
        connected = [one for one in held if not isinstance(one, BaseException)]
        closed = [asyncio.create_task(reader.read()) for reader, _ in connected]
        # Those for whom there is no descriptor are hung up on.
        await asyncio.wait(closed, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert any(task.done() for task in closed)
        for task in closed:
            task.cancel()
        await asyncio.gather(*closed, return_exceptions=True)
        for _, writer in connected:
            writer.close()
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            answered = 0
            while answered != 200:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{service.url}/readyz") as response:
                        answered = response.status
                await asyncio.sleep(PAUSE)
        assert await service.stop() == 0
    finally:
        await service.kill()
