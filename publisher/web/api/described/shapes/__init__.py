"""The bodies of the API, as models: what is answered, and what is taken.

They describe what handlers write and read themselves; tests and schemathesis hold one to the other.
"""
