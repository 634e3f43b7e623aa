"""The version of kado; the package and its metadata have it from here."""

__version__ = "0.1.0.dev0"
