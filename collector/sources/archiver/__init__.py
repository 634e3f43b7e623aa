"""Recorded history from archives that others keep, to fill the gaps of kado's own."""
