"""How a site's pages or text are read: selectors and patterns, as TOML gives them."""
