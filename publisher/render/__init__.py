"""Pure: items to RSS and Atom (feedgen), JSON Feed, HTML."""
