"""The composition root.

``installation`` builds every part from the settings, ``serving`` starts and stops them in order, ``reloading`` takes
changed definitions while they run.

Rooms below receive values and never the settings.
"""

from publisher.app.installation import App

__all__ = ["App"]
