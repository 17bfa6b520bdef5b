"""What operators and their machines ask: ``/healthz``, ``/readyz`` and ``/metrics``."""
