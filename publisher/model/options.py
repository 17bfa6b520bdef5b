"""How a subscription is told of what it follows, where that is not as for everyone."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import orjson
from pydantic import Field

from publisher.model.base import Frozen

KEPT = 4096

MOST_IN_FLIGHT = 1000
MOST_IN_BATCH = 500
LONGEST_WAIT = 300.0
LONGEST_THROTTLE = 86_400.0
MOST_A_SECOND = 1000.0


class Batch(Frozen):
    """Events sent together: up to ``max`` of them, once the first has waited for ``wait`` seconds."""

    max: Annotated[int, Field(ge=2, le=MOST_IN_BATCH)] = 100
    wait: Annotated[float, Field(ge=0.1, le=LONGEST_WAIT)] = 1.0


class Options(Frozen):
    """What a subscription asked for; a field that is not given is as it is for everyone.

    ``ordered``: one event at a time, in the order of the log; one that fails holds the later ones. ``history``: events
    that a later one of the same item has overtaken are sent all the same. ``throttle``: of each indicator one
    ``indicator.updated`` in so many seconds, the last one. ``batch``: several events in one request.
    ``max_in_flight`` bounds its requests under way, and ``rate_limit`` how many are begun a second.
    """

    ordered: bool = False
    history: bool = False
    throttle: Annotated[float, Field(ge=1, le=LONGEST_THROTTLE)] | None = None
    batch: Batch | None = None
    max_in_flight: Annotated[int, Field(ge=1, le=MOST_IN_FLIGHT)] | None = None
    rate_limit: Annotated[float, Field(gt=0, le=MOST_A_SECOND)] | None = None

    @property
    def alone(self) -> bool:
        """Whether it cannot be sent to together with others, by a seat of a parcel: what waits for it is rows."""
        return self.ordered or self.throttle is not None or self.batch is not None

    @property
    def all_of_it(self) -> bool:
        """Whether it is sent what a later event of the same item has overtaken, too."""
        return self.ordered or self.history


DEFAULT = Options()


def written(options: Options) -> str:
    """The options as the JSON text that they are stored as: equal options are equal texts."""
    return orjson.dumps(options.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(KEPT)
def read(text: str) -> Options:
    """The inverse of :func:`written`."""
    return Options.model_validate_json(text)


PLAIN = written(DEFAULT)
"""The text of a subscription that asked for nothing."""
