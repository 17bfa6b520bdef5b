"""Feed name → current document, with its validators. A version of a feed is built once, and asked for cheaply."""

from publisher.publish.appearance import SiteInfo, appearance
from publisher.publish.publications import Document, Publications, Version

__all__ = ["Document", "Publications", "SiteInfo", "Version", "appearance"]
