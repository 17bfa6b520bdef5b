"""The kind ``index``: the articles that a list links to, a site's "latest" page or a sitemap.

Each reading requests the list, the pages that are new to it, those that left it, and those that were not looked at for
``recheck``; each only if it has changed. A page is known by the link, so an article whose address changes stays the
same article. A page that leaves the list is no sign that its article is gone: lists are short. It is gone when its
page says so, or, where the list is ``complete``, when it is not listed any more.

``source`` is the order of one reading, ``lists`` and ``pages`` what is requested in it, ``twins`` the pages that claim
one address, ``bookmark`` what is remembered of each page.
"""

from publisher.sources.kinds.index.options import IndexOptions
from publisher.sources.kinds.index.source import IndexSource

__all__ = ["IndexOptions", "IndexSource"]
