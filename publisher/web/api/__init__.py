"""``/api/v1``: articles, indicators, events, sources and webhooks as JSON."""
