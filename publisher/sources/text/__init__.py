"""Articles out of plain text, by a profile."""
