"""The client that posts: HTTP/1.1 over non-blocking sockets, parsed by llhttp, without a task for a request."""

from publisher.outbound.http1.answer import EXCERPT
from publisher.outbound.http1.connection import RESPONSE_LIMIT
from publisher.outbound.http1.pool import Pool
from publisher.outbound.http1.sending import STOPPED, Sending
from publisher.outbound.http1.target import Target, head
from publisher.outbound.http1.tls import Tls

__all__ = ["EXCERPT", "RESPONSE_LIMIT", "STOPPED", "Pool", "Sending", "Target", "Tls", "head"]
