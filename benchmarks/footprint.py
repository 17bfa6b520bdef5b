"""What an idle service holds in memory, and what a command costs before it does anything.

    python -m benchmarks.footprint [--quick] [--idle SECONDS]

The service is `publisher run` over a copy of the sample configuration on SQLite, beside the sample newsroom in
another process; it is measured once it has read every source, ``--idle`` seconds later, once each feed was asked for,
and again after a second start (the first one makes the schema). Figures are those of the kernel for the whole
process: resident memory (RSS), and its proportional share (PSS), which counts a page that two processes share by
halves. A bare aiohttp server on the same Python, started the same way, says how much of it is Python and aiohttp
themselves.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FEEDS = [f"{name}.{format}" for name in ("news", "indicators") for format in ("rss", "atom", "json")]

BARE = """
import asyncio
import uvloop
from aiohttp import web
async def main():
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("ready", flush=True)
    await asyncio.Event().wait()
uvloop.run(main())
"""


@contextlib.contextmanager
def running(*arguments: str, until: list[str], **environment: str) -> Iterator[int]:
    """A Python process; yields its id once its output has shown each of ``until``."""
    process = subprocess.Popen(
        [sys.executable, "-u", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        waiting, said = set(until), []
        for line in process.stdout:
            said.append(line)
            waiting -= {text for text in waiting if text in line}
            if not waiting:
                break
        else:
            raise SystemExit(f"{arguments} ended:\n{''.join(said)}")
        yield process.pid
    finally:
        process.terminate()
        process.communicate()


def memory(pid: int) -> dict[str, float]:
    """MB of RSS and PSS, once they stand still for a second."""
    before = None
    while (now := _memory(pid)) != before:
        before = now
        time.sleep(1)
    return now


def _memory(pid: int) -> dict[str, float]:
    lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    values = {name: int(amount) / 1024 for name, amount, *_ in lines}
    return {"RSS": round(values["Rss:"]), "PSS": round(values["Pss:"])}


def free_port() -> int:
    """A port that nothing listens at: what else runs on the machine must not decide whether this does."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def installation(folder: Path, newsroom: int) -> Path:
    """The sample installation, without its data, over a newsroom at that port."""
    for name in ("config", "feeds", "inbox"):  # a reading that finds nothing is not told
        shutil.copytree(ROOT / name, folder / name)
    for file in folder.rglob("*.toml"):
        file.write_text(file.read_text().replace("127.0.0.1:8081", f"127.0.0.1:{newsroom}"))
    return folder


def service(home: Path, *, first: bool, idle: float, asked: bool) -> dict[str, dict[str, float]]:
    """Start the service over ``home``; what it holds once it has read its sources, and once its feeds were read."""
    names = [line.split('"')[1] for line in (home / "config/sources.toml").read_text().splitlines() if "name =" in line]
    # Later readings find nothing new, and that is not told; they come within the seconds that memory is looked at.
    read = [f'"source": "{name}", "items"' for name in names if first]
    found = {}
    port = str(free_port())
    with running(
        "-m", "publisher", "run", "--home", str(home), until=["service.ready", *read], PUBLISHER_SERVER__PORT=port
    ) as pid:
        found["its sources read"] = memory(pid)
        if idle:
            time.sleep(idle)
            found[f"and {idle:g} s later"] = memory(pid)
        if asked:
            for path in FEEDS:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/feeds/{path}").read()
            found["and its feeds asked for"] = memory(pid)
    return found


def help_cpu(turns: int) -> tuple[float, float]:
    """Median CPU seconds of ``publisher --help`` and of Python doing nothing, in turns."""
    spent: dict[str, list[float]] = {"help": [], "pass": []}
    for _ in range(turns):
        for name, arguments in (("help", ["-m", "publisher", "--help"]), ("pass", ["-c", "pass"])):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(spent["help"]), statistics.median(spent["pass"])


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one start")
    parser.add_argument("--idle", type=float, default=0.0, help="look again after so many seconds")
    options = parser.parse_args()
    quick = options.quick
    print("footprint: an idle service on SQLite with the sample configuration")
    with running("-c", BARE, until=["ready"]) as pid:
        bare = memory(pid)
    print(f"  {'a bare aiohttp server':44} {bare['RSS']:4.0f} MB RSS {bare['PSS']:4.0f} MB PSS")
    port = free_port()
    newsroom = running("-m", "publisher", "sample", "newsroom", "--port", str(port), until=["http"])
    with tempfile.TemporaryDirectory() as folder, newsroom:
        home = installation(Path(folder), port)
        for start in ("first start",) if quick else ("first start", "second start"):
            held_at = service(home, first=start == "first start", idle=options.idle, asked=not quick)
            for moment, held in held_at.items():
                ratio = held["RSS"] / bare["RSS"]
                label = f"{start}, {moment}"
                print(f"  {label:44} {held['RSS']:4.0f} MB RSS {held['PSS']:4.0f} MB PSS  ×{ratio:.1f}")
    usage, nothing = help_cpu(3 if quick else 11)
    print(f"  publisher --help {usage:.2f} s of CPU; python -c pass {nothing:.2f} s")


if __name__ == "__main__":
    main()
