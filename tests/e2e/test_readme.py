"""Every command that README.md gives does what README.md says, in its order, in a copy of this installation."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

import aiohttp
import feedparser
import pytest
from support.service import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
MAKE, FIRST_FEED, PUSH, RECEIVER, OWN_NEWSROOM = range(5)

PORTS = {"server": 8080, "newsroom": 8081}
"""As the installation in this repository has them; the copy has others."""


@contextmanager
def reserved() -> Iterator[int]:
    """A port that nobody else is given meanwhile: bound, but not listened at, so that a server may take it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


class Shell:
    """Runs what README.md says in the copy: with its ports, and with the publisher that is under test."""

    def __init__(self, home: Path, ports: dict[str, int]) -> None:
        self.home = home
        self.ports = ports
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def here(self, text: str) -> str:
        """The text with the copy's ports in place of the usual ones."""
        for name, usual in PORTS.items():
            text = text.replace(f":{usual}", f":{self.ports[name]}").replace(f"= {usual}", f"= {self.ports[name]}")
        return text

    async def run(self, script: str) -> str:
        """Run commands to their end; returns what they print. One that fails is a failure, an answer of 400 too."""
        checked = f'set -eu\ncurl() {{ command curl -sS --fail "$@"; }}\n{self.here(script)}'
        process = await self._start(checked, stderr=subprocess.PIPE)
        out, err = await process.communicate()
        assert process.returncode == 0, f"{script}\n{out.decode()}\n{err.decode()}"
        return out.decode()

    @asynccontextmanager
    async def running(self, script: str, **environment: str) -> AsyncIterator[Output]:
        """Run commands of which the last has no end of its own; it is ended as by Ctrl-C, and must end well."""
        *before, last = script.strip().splitlines()
        with tempfile.TemporaryFile(dir=self.home) as log:
            process = await self._start(
                "\n".join(["set -eu", *map(self.here, before), f"exec {self.here(last)}"]), stderr=log, **environment
            )
            try:
                yield Output(process, log)
                process.send_signal(signal.SIGINT)
                assert await asyncio.wait_for(process.wait(), 60) == 0
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    async def _start(self, script: str, stderr: object, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "bash", "-c", script, cwd=self.home, env={**self.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,  # type: ignore[arg-type]
        )  # fmt: skip


class Output:
    """What a running command prints."""

    def __init__(self, process: asyncio.subprocess.Process, log: BinaryIO) -> None:
        self._process = process
        self._log = log
        self.lines: list[str] = []

    async def until(self, pattern: str) -> str:
        """Wait for a line; a minute without it is a failure."""
        assert self._process.stdout
        async with asyncio.timeout(60):
            async for line in self._process.stdout:
                self.lines.append(line.decode().rstrip())
                if re.search(pattern, self.lines[-1]):
                    return self.lines[-1]
        self._log.seek(0)
        raise AssertionError(f"it ended without {pattern!r}: {self.lines}\n{self._log.read().decode()}")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A copy of the installation that this repository is, with its own ports and nothing remembered."""
    home = tmp_path / "publisher"
    for name in ("config", "feeds", "inbox"):
        shutil.copytree(ROOT / name, home / name)
    (home / ".venv").mkdir()
    (home / ".venv/bin").symlink_to(Path(sys.executable).parent)
    with reserved() as server, reserved() as newsroom:
        shell = Shell(home, {"server": server, "newsroom": newsroom})
        # The newsroom's port stays as it is in the files: --sample-port is enough to have it read elsewhere.
        settings = home / "config/publisher.toml"
        settings.write_text(shell.here(settings.read_text()))
        yield shell


async def _what_make_does(target: str, make: str) -> str:
    """The command of a target, once all it needs is installed."""
    done = await asyncio.to_thread(
        subprocess.run, [make, "-n", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1].removeprefix("exec ")


def test_every_command_of_the_readme_is_tried_here() -> None:
    commands = [line.split("#")[0].split() for block in BLOCKS for line in block.replace("\\\n", "").splitlines()]
    assert [command[:2] for command in commands if command] == [
        ["make", "run"],
        ["make", "test"],
        ["curl", "-i"],
        ["EDITOR_KEY=$(.venv/bin/publisher", "keys"],
        ["curl", "-X"],
        [".venv/bin/publisher", "sample"],
        [".venv/bin/publisher", "init"],
        [".venv/bin/publisher", "check"],
        [".venv/bin/publisher", "run"],
    ]


async def test_from_make_run_to_the_first_webhook(shell: Shell, program: Callable[[str], str]) -> None:
    program("curl")
    command = await _what_make_does("run", program("make"))
    assert command == ".venv/bin/publisher run --sample --home ."
    async with shell.running(f"{command} --sample-port {shell.ports['newsroom']}") as service:
        await service.until(rf"^The sample newsroom: http://127\.0\.0\.1:{shell.ports['newsroom']}$")
        await service.until(rf"^Publisher is ready: http://127\.0\.0\.1:{shell.ports['server']}$")

        head, _, document = (await shell.run(BLOCKS[FIRST_FEED])).partition("\n<")
        assert head.startswith("HTTP/1.1 200 ")
        parsed = feedparser.parse(f"<{document}")
        assert not parsed.bozo
        assert parsed.feed.title == re.search(r'^title = "(.*)"$', README, re.MULTILINE)[1]  # type: ignore[index]

        pushed = await shell.run(BLOCKS[PUSH])
        assert '"outcome":"new"' in pushed.replace(" ", "")
        for format in ("rss", "atom", "json"):
            url = shell.here(f"http://127.0.0.1:8080/feeds/news.{format}")
            async with aiohttp.ClientSession() as client, client.get(url) as answer:
                assert "First light" in await answer.text()

        async with shell.running(BLOCKS[RECEIVER]) as receiver:
            await receiver.until("^Listening at ")
            await shell.run(BLOCKS[PUSH].replace("First light", "Second light"))
            await receiver.until("✓ article.updated .*Second light")
            await receiver.until("✓ indicator.updated")  # the market of the sample newsroom moves
        assert not any("refused" in line for line in receiver.lines)


async def test_make_test_runs_this_suite(program: Callable[[str], str]) -> None:
    command = await _what_make_does("test", program("make"))
    assert re.fullmatch(r"\.venv/bin/python -m pytest -n \S+ -q tests", command)


async def test_a_newsroom_of_ones_own_runs_as_it_is_made(shell: Shell) -> None:
    async with shell.running(BLOCKS[OWN_NEWSROOM], PUBLISHER_SERVER__PORT="0") as service:
        await service.until("nothing is wrong$")
        ready = await service.until("^Publisher is ready: ")
        async with aiohttp.ClientSession(ready.removeprefix("Publisher is ready: ")) as client:
            for path in ("/", "/feeds/news.rss", "/readyz"):
                async with client.get(path) as answer:
                    assert answer.status == 200
