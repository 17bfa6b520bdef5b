"""``/feeds/NAME.FORMAT``: the documents that feed readers fetch."""
