"""Requests to servers.

``request`` is one of them, and what its status means. ``politeness`` is when it may be sent: one at a time to a host,
after a pause, not before the ``Retry-After`` of a 429 or 503 is over, and as ``robots`` allows.
"""
