"""The codings in which feed documents are kept and sent (RFC 9110 section 8.4.1). A new coding is one more entry here.

What an entry says is all that is needed of it: documents are packed with it once per version, large ones have a file
of it, requests negotiate it, and its entity tags are answered with 304.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """One content coding. Each is a single object, which is equal to itself alone.

    ``name`` stands in ``Content-Encoding``; ``aliases`` are other names that clients accept it by. ``suffix`` tells its
    entity tags and files from those of the same version in other codings. ``pack`` makes the same bytes of the same
    bytes, always: the entity tag is strong.
    """

    name: str
    suffix: str
    pack: Callable[[bytes], bytes]
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names that stand for it in ``Accept-Encoding``."""
        return self.name, *self.aliases

    def tag(self, version: str) -> str:
        """The entity tag of a version in this coding, without quotes: ``v``, ``v-gz``."""
        return f"{version}-{self.suffix}" if self.suffix else version

    def file(self, stem: str) -> str:
        """The name of the file that holds a version in this coding: ``news.rss.v``, ``news.rss.v.gz``."""
        return f"{stem}.{self.suffix}" if self.suffix else stem


IDENTITY = Coding("identity", "", lambda body: body)
"""A document as it is. It is always offered, and chosen where nothing better is accepted."""

GZIP = Coding("gzip", "gz", partial(gzip.compress, compresslevel=GZIP_LEVEL, mtime=0), aliases=("x-gzip",))

CODINGS: tuple[Coding, ...] = (GZIP,)
"""In order of preference, which decides where a client accepts several equally."""


def every() -> tuple[Coding, ...]:
    """The codings that each document is made in, in order of preference; as it is comes last."""
    return *CODINGS, IDENTITY
