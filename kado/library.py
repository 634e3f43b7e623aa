"""``import kado``: opens what a kado.toml names, for reading."""

import os
from typing import TYPE_CHECKING

from kado.own_packages import foreign_room

if TYPE_CHECKING:
    from kado.library_reader import Reader


def open(config: str | os.PathLike[str] = "kado.toml") -> "Reader":
    """Open the store and the journal that a configuration names, beside a running kado; nothing is written.

    Parameters
    ----------
    config
        A ``kado.toml``.

    Raises
    ------
    ImportError
        If another distribution has overwritten a package of kado.
    ConfigError
        If the configuration cannot be read, or is wrong.

    Examples
    --------
    >>> import kado
    >>> with kado.open("kado.toml") as reader:  # doctest: +SKIP
    ...     reader.availability("2026-10").availability.figures.availability_pct
    """
    if problem := foreign_room():
        raise ImportError(problem)
    # NumPy and the configuration cost a third of a second, which `import kado` and the command line do not pay.
    from kado.library_reader import open_reader

    return open_reader(config)
