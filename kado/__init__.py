"""kado: what people touch. Command line, service, and a library that reads what a kado.toml names."""

from kado.library import open
from kado.version import __version__

__all__ = ["__version__", "open"]
