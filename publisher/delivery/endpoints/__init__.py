"""Where deliveries go: how much a host is sent at once, how its answers count, and when it is tried again."""
