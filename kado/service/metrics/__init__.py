"""How kado stands, for Prometheus: ``/metrics``, ``/healthz``, ``/readyz``."""
