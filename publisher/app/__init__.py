"""The composition root.

``installation`` builds every part from the settings, ``serving`` starts and stops them in order, ``reloading`` takes
changed definitions while they run. ``opening`` opens storage alone.

Rooms below receive values and never the settings. Nothing is imported here: a command that needs storage alone would
load the whole service.
"""
