"""An event-driven feed publisher: RSS, Atom, JSON Feed and signed webhooks from what a newsroom already has."""

__version__ = "0.2.0"
