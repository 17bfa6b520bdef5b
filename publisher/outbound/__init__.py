"""The guarded HTTP client: where may be connected to, what an answer may cost, fetching and posting."""

from publisher.outbound.client import Outbound
from publisher.outbound.exchange import Exchange
from publisher.outbound.http1 import EXCERPT, RESPONSE_LIMIT, Sending
from publisher.outbound.results import FetchResponse, PostResult

__all__ = ["EXCERPT", "RESPONSE_LIMIT", "Exchange", "FetchResponse", "Outbound", "PostResult", "Sending"]
