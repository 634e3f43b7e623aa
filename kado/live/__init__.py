"""What runs as time passes: the live screen and live simulation."""
