"""Pushes under one Idempotency-Key, killed at its n-th step, and again by another process: ``killed_push.py FOLDER``.

Writes to ``FOLDER/told`` what the second came to, a line for n = 1, 2, … until the first lives to answer. A step is a
statement, the commit, and the connection's return after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]  # as pytest has them

from sqlalchemy import event  # noqa: E402
from web.webroom import open_newsroom  # noqa: E402

from publisher.storage.engine.database import Database  # noqa: E402
from publisher.storage.items import articles  # noqa: E402
from support.clock import ManualClock  # noqa: E402
from support.schemas import migrated_file  # noqa: E402

ARTICLE = {"title": "Judul kopi", "body": "<p>Isi.</p>", "topics": ["kopi"]}


async def push(data: Path, die_at: int) -> dict[str, Any]:
    """Push; die at that step (0: live)."""
    db = await Database.open("sqlite", data)
    async with open_newsroom(db, data, ManualClock()) as newsroom:
        _die(db, die_at)
        headers = newsroom.as_("editor", **{"Idempotency-Key": "k1"})
        answer = await newsroom.client.put("/api/v1/articles/kopi-1", json=ARTICLE, headers=headers)
        stored = await db.read(articles.get, "kopi-1")
        told = {
            "status": answer.status,
            "replayed": "Idempotent-Replayed" in answer.headers,
            "revision": stored and stored.revision,
            "events": db.last_seq,
        }
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
            asyncio.run(push(data, number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        told = asyncio.run(push(data, 0))
        lines.append(json.dumps(told))
        if not os.WIFSIGNALED(status):
            break
    (folder / "told").write_text("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
