"""Prometheus rules: for kado itself, and compiled from a facility's alarm rules."""
