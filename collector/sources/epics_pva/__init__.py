"""Signals over EPICS pvAccess, by p4p."""
