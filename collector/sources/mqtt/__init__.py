"""Signals over MQTT 5, from a persistent session that keeps what is not yet durable here."""
