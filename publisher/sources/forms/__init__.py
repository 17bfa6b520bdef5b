"""Forms that newsrooms share, whatever the document: bylines, datelines, credits, numbers in cells."""
