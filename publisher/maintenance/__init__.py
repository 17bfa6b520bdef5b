"""What runs by the clock beside the work: one file for each job, and all of them listed in :mod:`~.jobs`."""

from publisher.maintenance.job import Job
from publisher.maintenance.jobs import Parts, jobs

__all__ = ["Job", "Parts", "jobs"]
