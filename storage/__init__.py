"""kado: telemetry behind one protocol, the landing database, the journal; all their schemas."""
