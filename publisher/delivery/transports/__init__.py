"""How an event is carried to its receiver: its body, and the request that carries it."""
