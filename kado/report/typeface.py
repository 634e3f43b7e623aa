"""The Japanese type face with two weights that PDF and charts are set in."""

from pathlib import Path
from typing import Final

from facility.errors import ConfigError
from facility.sentence import Sentence

FAMILY: Final = "BIZ UDPGothic"
FILES: Final = ("BIZUDPGothic-Regular.ttf", "BIZUDPGothic-Bold.ttf")
PACKAGE: Final = "fonts-morisawa-bizud-gothic"
_FOLDERS: Final = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts"),
    Path("~/.fonts"),
    Path("~/Library/Fonts"),
    Path("/Library/Fonts"),
)


def find_typeface(folder: Path | None = None) -> list[Path]:
    """Return the folders that hold both weights of the type face.

    Parameters
    ----------
    folder
        Where to look, with everything below it; None: where systems keep fonts.

    Raises
    ------
    ConfigError
        If a weight is missing, naming the package that has it.
    """
    roots = [folder] if folder is not None else [path.expanduser() for path in _FOLDERS]
    found: dict[str, Path] = {}
    for root in roots:
        for name in FILES:
            if name not in found and root.is_dir():
                match = next(iter(sorted(root.rglob(name))), None)
                found |= {} if match is None else {name: match.parent}
    missing = [name for name in FILES if name not in found]
    if missing:
        looked = ", ".join(str(root) for root in roots)
        raise ConfigError(
            Sentence(
                "the type face {family} is not installed: {missing} not found in {looked}. On Debian "
                "or Ubuntu: apt-get install {package}. Or set font_dir in [report] to a folder that "
                "holds the files; HTML, CSV and JSON need no type face",
                family=FAMILY,
                missing=", ".join(missing),
                looked=looked,
                package=PACKAGE,
            )
        )
    return sorted(set(found.values()))
