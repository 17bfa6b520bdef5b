"""``make chaos``: 50 kills during 20,000 deliveries, and everything else that breaks; on SQLite, then on PostgreSQL.

``python -m chaos.harness [--seed N] [--kills N] [--endpoints N] [--events N] [--settling SECONDS]`` (with ``tests`` in
the path). The seed is printed; with it the same things break at the same points. Exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chaos.harness import verdict
from chaos.harness.breakages import (
    KILL,
    LANES_STOLEN,
    Breakage,
    connections_cut,
    database_locked,
    disk_full,
    receivers_cut,
    server_restarted,
)
from chaos.harness.fleet import fleet
from chaos.harness.receivers import receiving
from chaos.harness.run import SETTLING, Run
from chaos.harness.script import Script
from support.breakage import small_disk
from support.postgres import Postgres, private_server

MEGABYTES = 96
"""Of the disk that SQLite is on, and that is filled."""

PROCESSES = 3

CUTS = 5
"""Of all connections to receivers."""

SHOWN = 20
"""Faults that are printed, of each database."""


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break what can be broken, and see whether every delivery is made.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--endpoints", type=int, default=100)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--settling", type=float, default=SETTLING)
    return parser.parse_args()


async def _on_sqlite(asked: argparse.Namespace, folder: Path) -> list[str]:
    home = folder / "p0"
    broken: list[Breakage] = [database_locked(home / "data/publisher.db")]
    try:
        with small_disk(home / "data", MEGABYTES, _refused) as data:
            return await _perform(asked, folder, 1, "sqlite", [*broken, disk_full(data)])
    except PermissionError as error:
        print(f"  without a full disk: {error}", flush=True)
        return await _perform(asked, folder, 1, "sqlite", broken)


async def _on_postgresql(asked: argparse.Namespace, folder: Path) -> list[str]:
    with private_server() as server:
        databases = Postgres(server.url)
        await asyncio.to_thread(databases.make_template, folder / "template")
        url = await asyncio.to_thread(databases.create)
        broken = [server_restarted(server), connections_cut(url), connections_cut(url), LANES_STOLEN, LANES_STOLEN]
        return await _perform(asked, folder, PROCESSES, url, broken)


def _refused(what: str) -> None:
    raise PermissionError(f"this machine lacks {what}")


async def _perform(
    asked: argparse.Namespace, folder: Path, processes: int, url: str, broken: Sequence[Breakage]
) -> list[str]:
    async with receiving(asked.endpoints, Script(asked.seed)) as receivers, fleet(folder, processes, url) as publishers:
        breakages = [KILL] * asked.kills + [receivers_cut(receivers)] * CUTS + list(broken)
        random.Random(asked.seed).shuffle(breakages)
        run = Run(publishers, receivers, asked.seed, settling=asked.settling)
        await run.perform(asked.events, breakages)
        done = Counter(window.name for window in run.windows)
        print(f"  {', '.join(f'{name}: {count}' for name, count in done.items())}", flush=True)
        print(f"  {receivers.taken} deliveries, {verdict.repeats(run)} sent again after a success", flush=True)
        return await verdict.faults(run)


def main() -> int:
    """Run it on both databases."""
    asked = _asked()
    wrong = []
    for name, perform in (("SQLite", _on_sqlite), (f"PostgreSQL, {PROCESSES} processes", _on_postgresql)):
        print(f"{name}: seed {asked.seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix="publisher-chaos-", ignore_cleanup_errors=True) as folder:
            found = asyncio.run(perform(asked, Path(folder)))
        for one in found[:SHOWN]:
            print(f"  WRONG: {one}")
        if len(found) > SHOWN:
            print(f"  … and {len(found) - SHOWN} more")
        wrong += found
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
