"""An observation that jumps, pushed by a process that is killed at its n-th step: ``killed_hold.py FOLDER``.

Writes to ``FOLDER/told`` what stands afterwards, and what a second push comes to, a line for n = 1, 2, … until the
first lives. A step is a statement, the commit, and the connection's return after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]  # as pytest has them

from sqlalchemy import event  # noqa: E402

from publisher.ingest import Definitions, Intake  # noqa: E402
from publisher.model import Indicator  # noqa: E402
from publisher.storage.engine.database import Database  # noqa: E402
from publisher.storage.items import held, indicators  # noqa: E402
from support.items import MORNING  # noqa: E402
from support.schemas import migrated_file  # noqa: E402

NOTHING = Definitions(feeds=dict, sources=frozenset, indicators=dict, timezone=lambda: "Asia/Jakarta")


async def push(db: Database, value: str, minute: int) -> str:
    """Push a value; what it was."""
    moment = MORNING.replace(minute=minute)
    observed = Indicator(symbol="USD/IDR", name="Dolar AS", value=Decimal(value), observed_at=moment)
    [outcome] = await Intake(db, NOTHING).push_indicators([observed])
    return outcome.value


async def jump(data: Path, die_at: int) -> None:
    """Push a value, and one that jumps: die at that step of it."""
    db = await Database.open("sqlite", data)
    await push(db, "16199", 0)
    _die(db, die_at)
    await push(db, "20000", 1)
    await db.close()


async def what_stands(data: Path) -> dict[str, Any]:
    """What is held and how many events there are; then what the second push was, and the value that is published."""
    db = await Database.open("sqlite", data)
    told: dict[str, Any] = {"held": await db.read(held.count), "events": db.last_seq}
    told["second"] = await push(db, "20000", 2)
    stored = await db.read(indicators.get, "USD/IDR")
    told["value"] = stored and stored.data["value"]
    await db.close()
    return told


def _die(db: Database, at: int) -> None:
    left = [at]

    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = db._writer.sync_engine
    for target, name in ((engine, "before_cursor_execute"), (engine, "commit"), (engine.pool, "checkin")):
        event.listen(target, name, count)


def main(folder: Path) -> None:
    lines = []
    for number in range(1, 200):
        data = folder / str(number)
        data.mkdir(mode=0o700)
        shutil.copy(migrated_file(), data / "publisher.db")
        child = os.fork()
        if child == 0:
            asyncio.run(jump(data, number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        lines.append(json.dumps(asyncio.run(what_stands(data))))
        if not os.WIFSIGNALED(status):
            break
    (folder / "told").write_text("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
