"""The service and the upkeep of what it keeps: all that writes to store and journal."""
