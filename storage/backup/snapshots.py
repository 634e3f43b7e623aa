"""A folder of backups: each one a data directory of its own at one instant, with a list that is written last.

::

    DIR/2026-11-23T120000Z/backup.json     what it holds, with the SHA-256 of each file; it makes the folder a backup
                          /telemetry.db    rows, manifest, ledger
                          /journal.db
                          /answers/        what simulators truly did
                          /archive/        sealed files; those that did not change are hard links to the one before
    DIR/.partial/                          one that is being made, or was interrupted
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

from facility.errors import ArchiveError, ConfigError, FormatVersionError
from facility.sentence import Sentence
from facility.time import parse_time, to_datetime
from storage.embedded.archive.layout import check_inside, check_sealed_path

FORMAT: Final = 1
LIST: Final = "backup.json"
PARTIAL: Final = ".partial"
_DATABASES: Final = ("telemetry.db", "journal.db")
_NAME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z(-\d+)?")


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """One file of a backup."""

    path: str
    """Relative to the backup."""
    size: int
    sha256: str
    sealed: str = ""
    """For a sealed file: its checksums in the manifest. Equal checksums mean equal content."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup that is complete."""

    path: Path
    facility: str
    store: str
    """``embedded`` or ``influxdb``."""
    made_ns: int
    files: tuple[CopiedFile, ...]
    problems: tuple[str, ...]
    """Sealed files that could not be copied, since they were damaged or missing already."""

    @property
    def bytes(self) -> int:
        """All of it, whether it shares files with others or not."""
        return sum(file.size for file in self.files)


def name_of(made_ns: int) -> str:
    """Return the name of a backup that is made at an instant."""
    return to_datetime(made_ns).strftime("%Y-%m-%dT%H%M%SZ")


def list_text(says: Mapping[str, Any]) -> str:
    """Return the text of a list, with a checksum of its own."""
    return json.dumps({**says, "checksum": _checksum(says)}, indent=1, ensure_ascii=False)


def listed(files: list[CopiedFile]) -> list[dict[str, Any]]:
    """Return files as the list names them."""
    return [asdict(file) for file in files]


def complete_snapshots(folder: Path) -> list[Path]:
    """Return the backups in a folder that were made to their end, oldest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _is_complete(path)), key=_age)


def _is_complete(path: Path) -> bool:
    return bool(_NAME.fullmatch(path.name)) and (path / LIST).is_file()


def _age(path: Path) -> tuple[str, int]:
    """Order by the second, and those of one second by their number."""
    second, _, number = path.name.partition("Z")
    return second, -int(number or "-1")


def find_snapshot(folder: Path) -> Path:
    """Return the backup that `folder` is, or else the newest complete one in it.

    Raises
    ------
    ConfigError
        If there is no backup.
    """
    if (folder / LIST).is_file():
        return folder
    if found := complete_snapshots(folder):
        return found[-1]
    interrupted = folder.name == PARTIAL or (folder / PARTIAL).is_dir()
    if interrupted:
        raise ConfigError(
            Sentence(
                "{folder} holds no complete backup, the one there was interrupted: make it again with "
                "'kado store backup'",
                folder=folder,
            )
        )
    raise ConfigError(Sentence("{folder} holds no complete backup, which has a {list}", folder=folder, list=LIST))


def read_snapshot(path: Path) -> Snapshot:
    """Read the list of a backup.

    Raises
    ------
    ArchiveError
        If the list is damaged.
    FormatVersionError
        If a newer kado has made it.
    """
    try:
        says = cast("dict[str, Any]", json.loads((path / LIST).read_text(encoding="utf-8")))
        checksum = says.pop("checksum")
        found = int(says["format"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ArchiveError(
            Sentence("{path} is damaged ({error}): take another backup", path=path / LIST, error=error)
        ) from error
    if found > FORMAT:
        raise FormatVersionError(
            Sentence(
                "{path} has format {found}, this kado reads {format}: update kado",
                path=path / LIST,
                found=found,
                format=FORMAT,
            )
        )
    if checksum != _checksum(says):
        raise ArchiveError(
            Sentence("{path} is damaged: its checksum is another; take another backup", path=path / LIST)
        )
    try:
        files = tuple(CopiedFile(**file) for file in says["files"])
        for file in files:
            _check_path(path, file.path)
        problems = cast("list[Any]", says["problems"])
        if type(problems) is not list or any(type(one) is not str for one in problems):
            raise TypeError("problems are not texts")
        made_ns = parse_time(says["made"])
        return Snapshot(path, str(says["facility"]), str(says["store"]), made_ns, files, tuple(problems))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(
            Sentence(
                "{path} is not a list that kado wrote ({error}): nothing was read or written; take another backup",
                path=path / LIST,
                error=error,
            )
        ) from error


def _check_path(snapshot: Path, path: str) -> None:
    """See that a path of the list is one that kado writes there, and stays in the backup."""
    check_inside(path)
    first, _, rest = path.partition("/")
    if not (path in _DATABASES or (first == "answers" and "/" not in rest)):
        if first != "archive":
            raise ValueError(f"{path!r} is no file of a backup")
        check_sealed_path(rest)
    if not (snapshot / path).parent.resolve().is_relative_to(snapshot.resolve()):
        raise ValueError(f"the folder of {path!r} is a link that leads out of the backup")
    if (snapshot / path).is_symlink():
        raise ValueError(f"{path!r} is a link")


def _checksum(says: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()
