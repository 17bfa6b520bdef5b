"""What is kept as JSON takes no more memory than it is long."""

import tracemalloc

from publisher.jsonbytes import compact


def test_bytes_that_are_kept_take_the_memory_of_their_length() -> None:
    value = {"body": "x" * 3_000}
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [compact(value) for _ in range(100)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1.2 * sum(map(len, kept))
