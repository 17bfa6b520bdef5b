"""How many requests one client or owner may make, and the response to more."""
