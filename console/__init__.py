"""What people touch: the command line, the application object behind it."""
