"""Telemetry in InfluxDB 2: line protocol, client, store, and the outbox of what is still to be written."""
