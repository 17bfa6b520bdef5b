import asyncio
import subprocess
import sys
import weakref

from publisher.app.serving import collect_the_newest

LEFT_ALONE = """
import gc
from publisher.app.serving import YOUNG_OBJECTS, spare_the_garbage_collector
was = len(gc.get_objects())
spare_the_garbage_collector()
assert gc.isenabled() and gc.get_threshold()[0] == YOUNG_OBJECTS
assert len(gc.get_objects()) * 10 < was < gc.get_freeze_count() * 2, (was, gc.get_freeze_count())
"""


def test_what_a_start_made_is_never_looked_at_again_by_the_collector() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT_ALONE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class Circle:
    def __init__(self) -> None:
        self.itself = self


async def test_what_refers_to_itself_is_freed_though_little_else_is_made() -> None:
    freed = asyncio.Event()
    weakref.finalize(Circle(), freed.set)
    collecting = asyncio.create_task(collect_the_newest(0.0))
    try:
        await asyncio.wait_for(freed.wait(), 60)
    finally:
        collecting.cancel()
