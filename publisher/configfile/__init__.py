"""What every configuration file has in common: reading TOML, and saying what is wrong with a value and where.

An error names the file, the line where it can be found, the key, the value that stood there and what would be right.
``toml`` reads, ``faults`` says what is wrong, ``values`` are the types of what is no mere text.
"""

from publisher.configfile.faults import explain, in_words, nearest
from publisher.configfile.toml import (
    MAX_DEPTH,
    MAX_FAULTS,
    Location,
    TomlFile,
    key_of,
    line_of,
    parse_toml,
    read_text,
    read_toml,
    unfit_character,
)
from publisher.configfile.values import Cron, Duration, Network, PrivateNetwork, Whole, Zone, seconds, written_seconds

__all__ = [
    "MAX_DEPTH",
    "MAX_FAULTS",
    "Cron",
    "Duration",
    "Location",
    "Network",
    "PrivateNetwork",
    "TomlFile",
    "Whole",
    "Zone",
    "explain",
    "in_words",
    "key_of",
    "line_of",
    "nearest",
    "parse_toml",
    "read_text",
    "read_toml",
    "seconds",
    "unfit_character",
    "written_seconds",
]
