"""What the API is, said for programs and people: an operation for each route, from which OpenAPI 3.1 is made.

``operation`` is how one is said, ``shapes`` are the bodies, and ``operations`` of each file beside them the routes, by
method and path. A route without one fails a test.
"""
