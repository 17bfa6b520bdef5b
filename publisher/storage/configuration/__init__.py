"""The definitions in force, and what is remembered of each source and feed that they define."""
