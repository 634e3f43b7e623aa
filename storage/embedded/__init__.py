"""Telemetry as rows of ``telemetry.db``: no server needed."""
