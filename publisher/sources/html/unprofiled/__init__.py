"""Pages that no profile describes, by what they say of themselves and how they are built.

Each field comes from the most trusted that has it: JSON-LD of schema.org (``NewsArticle`` and its like), OpenGraph,
what the page's markup states, its structure; a guess comes last. Where a field came from stands beside it, and what
is doubtful about it is told.
"""
