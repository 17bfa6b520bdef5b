"""Who is told of what: the fan-out from the log, who may follow what, and those that stand still."""
