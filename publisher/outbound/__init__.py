"""The guarded HTTP client: where may be connected to, what an answer may cost, fetching and posting."""

from publisher.outbound.client import EXCERPT, RESPONSE_LIMIT, Outbound
from publisher.outbound.results import FetchResponse, PostResult
from publisher.outbound.transport import BEFORE_SENDING

__all__ = ["BEFORE_SENDING", "EXCERPT", "RESPONSE_LIMIT", "FetchResponse", "Outbound", "PostResult"]
