"""Going through a tree without recursion: hostile markup may be nested as deeply as it is long."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from selectolax.lexbor import LexborNode


def walk(top: LexborNode, enters: Callable[[LexborNode], bool]) -> Iterator[tuple[LexborNode, bool]]:
    """Everything below ``top`` in document order: each node as it is met (True), and each that ``enters`` said yes
    to also as it is left (False). ``enters`` is asked once, before the node is yielded."""
    stack: list[LexborNode] = []
    current = top.first_child
    while current is not None:
        into = current.is_element_node and enters(current)
        yield current, True
        if into and (child := current.first_child) is not None:
            stack.append(current)
            current = child
            continue
        if into:
            yield current, False
        following = current.next
        while following is None and stack:
            current = stack.pop()
            yield current, False
            following = current.next
        current = following
