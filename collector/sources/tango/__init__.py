"""Signals of Tango devices, by pytango."""
