"""Keys, sealed secrets, and requests that take effect once."""
