"""From the log to the subscribers: fan-out, claim, send, settle."""

from publisher.delivery.deliverer import Deliverer

__all__ = ["Deliverer"]
