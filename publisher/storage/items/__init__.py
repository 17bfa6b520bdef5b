"""Articles and observations of indicators, with what is kept beside them."""
