"""Articles and indicators out of JSON."""
