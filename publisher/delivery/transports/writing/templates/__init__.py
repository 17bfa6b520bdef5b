"""The owner's own body: a JSON value whose texts may hold placeholders, ``{{ data.title | truncate:80 }}``.

There are paths, filters and nothing else: no statements, loops, calls or attributes, so that what a template costs is
bounded by its size and by that of what it makes. It is filled value by value and serialised here, so that nothing in an
item can be taken for JSON.
"""

from publisher.delivery.transports.writing.templates.filling import OUT_BYTES, filled
from publisher.delivery.transports.writing.templates.filters import FILTERS
from publisher.delivery.transports.writing.templates.parsing import TemplateFaults, parse
from publisher.delivery.transports.writing.templates.paths import PATHS

__all__ = ["FILTERS", "OUT_BYTES", "PATHS", "TemplateFaults", "filled", "parse"]
