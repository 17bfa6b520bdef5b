"""What formats write by: the envelope and its bound, links, messages for people, and the owner's own templates."""
