"""One file per source kind: fetch and parse."""
