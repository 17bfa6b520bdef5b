"""Feed name → current document, with its validators. A version of a feed is built once, and asked for cheaply."""

from publisher.publish.publications import Document, Publications, SiteInfo, Version

__all__ = ["Document", "Publications", "SiteInfo", "Version"]
