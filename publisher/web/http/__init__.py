"""Requests and responses: negotiation, conditions, headers, proxies, and the connections themselves."""
