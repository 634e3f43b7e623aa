"""Checks at start that the packages beside kado are its own.

Their names are general words. Another distribution with a package of the same name overwrites files of kado without
a word from the installer, or stands before kado on the path of modules.
"""

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOMS: Final = ("facility", "storage", "collector", "analytics", "simulators", "dashboards")
MARK: Final = '"""kado: '
"""The ``__init__.py`` of each room begins with it."""


def foreign_room() -> str | None:
    """Return what is wrong with the first package that is not kado's own, and what to do; None if all are."""
    home = Path(__file__).resolve().parents[1]
    for room in ROOMS:
        spec = find_spec(room)
        place = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if place is None or place.parents[1] != home or not _is_marked(place):
            return _message(room, home, place)
    return None


def _is_marked(place: Path) -> bool:
    with place.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(MARK)) == MARK


def _message(room: str, home: Path, place: Path | None) -> str:
    owners = [name for name in packages_distributions().get(room, []) if name != "kado"]
    of_whom = f" of the distribution {' or '.join(owners)}" if owners else ""
    found = "missing" if place is None else f"another one{of_whom}, {place}"
    return (
        f"the package '{room}' of kado in {home} is {found}. kado cannot work with it. Install kado in an environment "
        "of its own: in the folder with kado's source, 'pipx install .' or 'uv tool install .'. To repair this "
        "environment: uninstall the other distribution, then 'pip install --force-reinstall --no-deps .' there"
    )
