"""A deliverer in a process of its own, to be killed: ``python deliverer_process.py DATA [DESCRIPTORS]``.

It prints a line once it runs, and stops with grace when its standard input ends. With a number of descriptors
it may have no more, and sends to many at once.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from publisher import telemetry
from publisher.delivery import Deliverer
from publisher.delivery.endpoints.slots import Bounds
from publisher.delivery.followers import permissions
from publisher.delivery.followers.fanout import FanOut
from publisher.model import FeedDefinition
from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.engine.database import Database, Tx

FEEDS = {"news": FeedDefinition(name="news", title="News")}


def define(tx: Tx) -> None:
    """Take these feeds, as a service does at its start."""
    feed_states.define(tx, {name: feed.digest for name, feed in FEEDS.items()})
    permissions.adopt(tx, FEEDS)


async def main(data: Path, descriptors: int | None) -> None:
    if descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    db = await Database.open("sqlite", data)
    await db.write(define)
    # With few descriptors it meets the end of them, as where something else takes what was its share.
    outbound = Outbound(allow_private=["127.0.0.0/8:*"], limit=1000 if descriptors else None)
    deliverer = Deliverer(
        db,
        outbound,
        Sealer.open(data),
        schedule=[0.0] * 30,
        timeout=60.0 if descriptors else 1.0,
        lease_margin=1.0,
        bounds=Bounds(slots=200 if descriptors else 32),
        alone=True,
    )
    # Small chunks: the more transactions, the more places to be killed between.
    deliverer._fanout = FanOut(db, made=lambda _events, _epoch: deliverer.wake(), chunk=7)
    running = asyncio.create_task(deliverer.run())
    print("running", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await deliverer.stop(30)
    await running
    await outbound.close()
    await db.close()


if __name__ == "__main__":
    telemetry.configure(json=True)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else None))
