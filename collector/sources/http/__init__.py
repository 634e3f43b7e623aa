"""Signals from JSON documents that a facility publishes over HTTP, such as a status page."""
