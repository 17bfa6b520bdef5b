"""From the log to the subscribers: fan-out, claim, send, settle."""
