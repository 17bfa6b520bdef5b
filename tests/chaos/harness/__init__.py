"""Chaos: publishers as real processes, receivers that fail by a script, and what breaks between them.

Nothing here knows how deliveries are made: it speaks to the API, answers as receivers do, and reads the metrics.

- :mod:`~chaos.harness.script`: how each attempt is answered, by a seed
- :mod:`~chaos.harness.receivers`: the endpoints, over real sockets, and what they got
- :mod:`~chaos.harness.fleet`: the publishers: one on SQLite, three on PostgreSQL
- :mod:`~chaos.harness.breakages`: what is done to them
- :mod:`~chaos.harness.run`: a whole run: push, break, wait for the end
- :mod:`~chaos.harness.verdict`: whether every delivery was made, none needlessly twice, and all of them counted

``make chaos`` runs it at full size; ``test_chaos.py`` at one that fits CI.
"""
