"""Backups of a data directory, whichever its store: made, listed, restored."""
