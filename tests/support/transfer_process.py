"""A transfer in a process of its own, to be killed: ``python transfer_process.py SOURCE URL``.

It prints a line after each batch and waits for one in return.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from publisher.storage.transfer.transfer import Progress, transfer

BATCH = 7


def step(progress: Progress) -> None:
    print(progress.stage, progress.table, progress.done, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    asyncio.run(transfer(Path(sys.argv[1]), sys.argv[2], report=step, batch=BATCH))
