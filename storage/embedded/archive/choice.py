"""Which place a store's sealed files lie in: said in ``kado.toml``, remembered in ``telemetry.db``.

It is remembered because the manifest means nothing without it, and because every process that opens a data
directory has to find the same files. A place other than the folder below the data directory holds a mark of
the store that owns it: two stores in one place would remove each other's files, and a mount point without its mount
looks like an empty archive.
"""

import json
import sqlite3
import uuid
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from facility.errors import ArchiveAwayError, ArchiveError, ConfigError
from facility.sentence import Sentence
from storage.data_dir import DataDir
from storage.embedded.archive import manifest
from storage.embedded.archive.place import Folder, Place
from storage.telemetry_db import transaction

MARK: Final = "_kado_archive.json"
"""Name of the mark; what begins like this is no data to readers of a folder."""


def place_of(connection: sqlite3.Connection, data_dir: Path) -> Place:
    """Return where the sealed files of a store lie; nothing is read there."""
    where = _remembered(connection, data_dir)
    own = DataDir(data_dir).archive
    return Folder(own, private=True) if where == str(own) else _place(where)


def check_mark(connection: sqlite3.Connection, data_dir: Path, place: Place) -> None:
    """See that the place is there, and this store's; before anything is written to it or removed.

    Raises
    ------
    ArchiveError
        If it is not; says what to do.
    """
    if place.root == str(DataDir(data_dir).archive):
        return
    mark = _mark(connection)
    found = _found_mark(place)
    if found is None:
        raise ArchiveAwayError(
            Sentence(
                "{root} holds no {mark}, which kado put there: mount the storage, or bring the files back",
                root=place.root,
                mark=MARK,
            )
        )
    if found != mark:
        raise ArchiveError(_another(place, found))


def choose_place(connection: sqlite3.Connection, data_dir: Path, facility: str, archive: str) -> None:
    """Let sealed files lie in `archive`, a folder or a URI, from now on; for the holder of the directory's lock.

    Files that were sealed before have to be there already: they are copied by other means.

    Raises
    ------
    ConfigError
        If another store's files are there, or not all that the manifest names.
    ArchiveAwayError
        If the place cannot be reached.
    """
    before = _remembered(connection, data_dir)
    if archive == before:
        return
    place = _place(archive)
    own = archive == str(DataDir(data_dir).archive)
    if not own and (found := _found_mark(place)) not in (None, _mark(connection)):
        raise ConfigError(_another(place, found))
    _check_files(connection, _place(before), place)
    if not own:
        with transaction(connection):
            connection.execute("INSERT OR IGNORE INTO meta VALUES('archive_mark', ?)", (uuid.uuid4().hex,))
        _put_mark(connection, place, facility)
    with transaction(connection):
        if own:
            connection.execute("DELETE FROM meta WHERE key = 'archive'")
        else:
            connection.execute("INSERT OR REPLACE INTO meta VALUES('archive', ?)", (archive,))


def reach_place(archive: str) -> tuple[str, bool]:
    """See that a place can be reached; return its name and whether a store has chosen it. Nothing is changed.

    Raises
    ------
    ConfigError
        If it is no address.
    ArchiveAwayError
        If it cannot be reached, or refuses.
    """
    place = _place(archive)
    return place.root, place.find(MARK) is not None


def _check_files(connection: sqlite3.Connection, before: Place, after: Place) -> None:
    named = {path: size for file in manifest.all_files(connection) for path, size in file.sizes.items()}
    if not named:
        return
    found = {file.path: file.size for file in after.files()}
    if lacking := sorted(path for path, size in named.items() if found.get(path) != size):
        raise ConfigError(
            Sentence(
                "store.archive: {root} lacks {count} of {all} sealed files, the first is "
                "{lacking}: copy all of {before} there first, or let store.archive name {before} "
                "again",
                root=after.root,
                count=len(lacking),
                all=len(named),
                lacking=lacking[0],
                before=before.root,
            )
        )


def _put_mark(connection: sqlite3.Connection, place: Place, facility: str) -> None:
    text = json.dumps({"mark": _mark(connection), "facility": facility})
    try:
        place.put(MARK, text.encode())
        place.settle([MARK])
    except OSError as error:
        raise place.refusal(f"{MARK} (store.archive)", error) from error


def _found_mark(place: Place) -> str | None:
    content = place.find(MARK)
    if content is None:
        return None
    try:
        return str(cast("dict[str, Any]", json.loads(content))["mark"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _another(place: Place, found: str | None) -> Sentence:
    return Sentence(
        "{root} belongs to another store (mark {found} in {mark}): give each data directory a folder or prefix of its "
        "own in store.archive",
        root=place.root,
        found=found or Sentence("unreadable"),
        mark=MARK,
    )


def _mark(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = 'archive_mark'").fetchone()
    return None if row is None else row[0]


def _remembered(connection: sqlite3.Connection, data_dir: Path) -> str:
    row = connection.execute("SELECT value FROM meta WHERE key = 'archive'").fetchone()
    return str(DataDir(data_dir).archive) if row is None else row[0]


def _place(archive: str) -> Place:
    return _objects(archive) if "://" in archive else Folder(Path(archive))


@cache
def _objects(archive: str) -> Place:
    # Arrow is heavy, and not needed where files lie in a folder. What is open keeps its connections.
    from storage.embedded.archive.objects import Objects

    return Objects(archive)
