"""Being told when files change.

``watchfiles.awatch`` does this through anyio, which is used for nothing else here and takes 1.5 MB; and it blocks the
event loop for as long as a large tree takes to be listed. Its plain ``watch`` does neither, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from watchfiles import watch


async def changes(*paths: Path, **options: Any) -> AsyncIterator[set[str]]:
    """What changed below these folders: paths, gathered as the options of ``watchfiles.watch`` say.

    Raises OSError where a folder is missing or the machine's watches are used up. Ended or cancelled, it waits for
    nothing; its thread is over one ``step`` later.
    """
    stop = threading.Event()
    seen = watch(*paths, stop_event=stop, raise_interrupt=False, **options)
    thread = ThreadPoolExecutor(1, thread_name_prefix="file changes")
    try:
        while (found := await asyncio.get_running_loop().run_in_executor(thread, next, seen, None)) is not None:
            yield {path for _, path in found}
    finally:
        stop.set()
        thread.submit(seen.close)
        thread.shutdown(wait=False)
