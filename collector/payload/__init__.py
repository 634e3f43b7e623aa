"""Payloads of messages into batches, by format: JSON, bare values, line protocol."""
