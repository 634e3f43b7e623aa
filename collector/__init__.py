"""kado: signals in: sources, intake, landing, forwarder, ledger."""
