"""Signals over EPICS Channel Access, by aioca."""
