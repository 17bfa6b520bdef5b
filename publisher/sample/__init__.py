"""The sample newsroom: a small site that is read like any other, and a receiver that prints what it is sent."""

from publisher.sample.newsroom import Newsroom
from publisher.sample.receiver import run_receiver
from publisher.sample.running import run_newsroom
from publisher.sample.site import make_site

__all__ = ["Newsroom", "make_site", "run_newsroom", "run_receiver"]
