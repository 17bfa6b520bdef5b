"""A fetch waits for descriptors; what is left of its time without any is told as what it is."""

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, os, resource
from publisher.errors import FetchError
from publisher.outbound import Outbound

async def talk(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    outbound = Outbound(allow_private=["127.0.0.0/8:*"], timeout={timeout})
    url = "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
    await outbound.get(url)
    while len(asyncio.all_tasks()) > 1 or outbound.idle:
        await asyncio.sleep(0)
    for _ in range(20):  # its connection is closed on both sides
        await asyncio.sleep(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    fetched = asyncio.create_task(outbound.get(url))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not fetched.done()
    if {given_back}:
        for one in taken:
            os.close(one)
    try:
        print((await fetched).body.decode())
    except FetchError as error:
        print(error)
    for one in taken if not {given_back} else ():
        os.close(one)
    await outbound.close()
    server.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("given_back", "timeout", "said"),
    [
        (True, 60, "ok"),
        (False, 3, "not sent: this machine has nothing left to connect with (Too many open files)"),
    ],
)
def test_a_site_is_fetched_once_there_are_descriptors_again(given_back: bool, timeout: int, said: str) -> None:
    script = SCRIPT.replace("{timeout}", str(timeout)).replace("{given_back}", str(given_back))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == said, run.stderr
