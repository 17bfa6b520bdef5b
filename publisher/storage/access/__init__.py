"""Keys, sealed secrets, and requests that are answered once."""
