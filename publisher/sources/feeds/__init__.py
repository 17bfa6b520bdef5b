"""What other people's feeds say: RSS, RDF and Atom as they are written, and JSON Feed, each entry as an :class:`Entry`.

``document`` makes a tree of bytes, ``names`` says what its elements are, ``texts``, ``people``, ``dates`` and ``media``
read them, and ``xmlfeed`` and ``jsonfeed`` put entries together. ``known_by`` says what an entry is known by.
"""
