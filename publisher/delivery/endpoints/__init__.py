"""Where deliveries go: caps for each host, which hosts were verified, and what an answer means (retry, 429, dead)."""
