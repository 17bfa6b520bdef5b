"""What operators and their monitoring request: ``/healthz``, ``/readyz`` and ``/metrics``."""
