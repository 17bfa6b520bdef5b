"""Work on what strangers wrote, in a process of its own that can be killed.

``Isolated`` is the service's side: it starts the process when it is first needed, hands it one document at a time and
kills it where that takes too long. ``worker`` is the process: it does named jobs of one module, and nothing else.
"""

from publisher.isolation.isolated import Isolated
from publisher.isolation.runner import InProcess, Job, Runner

__all__ = ["InProcess", "Isolated", "Job", "Runner"]
