"""Maintenance of the embedded store: its contents and growth, verification, retention."""
