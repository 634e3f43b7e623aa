"""Signals in: sources, intake, landing, forwarder, ledger."""
