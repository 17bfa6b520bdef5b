"""From a source, or a push, to the log: fetch, parse, compare, record.

``pull`` reads sources, ``push`` takes what is pushed; both hand what they observed to the ``recorder``, which compares
it with what is known and records what changed.
"""

from publisher.ingest.duetimes import Timetable
from publisher.ingest.pull import Puller, Report
from publisher.ingest.push import Intake, Taken
from publisher.ingest.recorder import PUSHED, Definitions, Recorder

__all__ = ["PUSHED", "Definitions", "Intake", "Puller", "Recorder", "Report", "Taken", "Timetable"]
