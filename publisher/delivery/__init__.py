"""From the log to the subscribers: fan-out, read and take, send, settle."""

from publisher.delivery.deliverer import Deliverer

__all__ = ["Deliverer"]
