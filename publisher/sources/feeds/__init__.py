"""What other people's feeds say: RSS, RDF and Atom as they are written, and JSON Feed, each entry as an :class:`Entry`.

``document`` makes a tree of bytes (``lenient`` of what is no XML), ``elements`` names what is in it, ``texts``,
``people`` and ``media`` read them, and ``xmlfeed`` and ``jsonfeed`` put entries together. ``known_by`` says what an
entry is known by, and ``articles`` makes an article of it.
"""
