"""Feed, narrowing, format → current document, with its validators. A version is built once, and asked for cheaply."""

from publisher.publish.addresses import Address, page_path
from publisher.publish.appearance import SiteInfo, appearance
from publisher.publish.composing import Document
from publisher.publish.publications import Publications
from publisher.publish.versions import Version

__all__ = ["Address", "Document", "Publications", "SiteInfo", "Version", "appearance", "page_path"]
