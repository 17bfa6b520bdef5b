"""One reading of a document: its fields, with their doubts beside them."""
