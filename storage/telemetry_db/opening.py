"""Opens ``telemetry.db``: refuses what is not ours, migrates for its writer, compares it with its mark."""

import logging
from pathlib import Path
from typing import Final, get_args

from facility.errors import ConfigError, DamagedDataError, FormatVersionError
from facility.sentence import Sentence
from storage.data_dir import DataDir, make_private
from storage.telemetry_db.commits import Mark
from storage.telemetry_db.connection import RESTORE, TelemetryConnection, connect, decoding, transaction
from storage.telemetry_db.integrity import check_schema
from storage.telemetry_db.mark import describe_lost_tail, read_mark
from storage.telemetry_db.schema import STEPS, VERSION, StoreKind

_LOG: Final = logging.getLogger(__name__)
_warned: set[str] = set()


def open_writer(
    data_dir: Path, facility: str, store_kind: StoreKind, now_ns: int, *, any_thread: bool = False
) -> TelemetryConnection:
    """Open for writing, making or migrating the file; for the process that holds the directory's lock.

    Transactions are explicit (`transaction`); a commit is on the disk when it returns.

    Raises
    ------
    FormatVersionError
        If the file is of a newer version, or is not kado's.
    ConfigError
        If it is another facility's, or was made for another kind of store.
    DamagedDataError
        If it is damaged, or lacks a table.
    DiskError
        If the disk does not take it.
    """
    path = DataDir(data_dir).telemetry
    if not path.is_dir():
        make_private(path)
    connection = connect(path, any_thread=any_thread)
    try:
        found = _version(connection, path)
        if found > VERSION:
            raise FormatVersionError(
                Sentence(
                    "{path} has format version {found}, this kado knows {version}: update kado, or "
                    "choose another data_dir",
                    path=path,
                    found=found,
                    version=VERSION,
                )
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        if found:
            _check_owner(connection, path, facility, store_kind)
        if found < VERSION:
            _migrate(connection, facility, store_kind, now_ns)
        check_schema(connection, store_kind)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(
    data_dir: Path, facility: str | None = None, store_kind: StoreKind | None = None
) -> TelemetryConnection:
    """Open for reading, also while another process writes; logs an error, once, if acknowledged samples are gone.

    Raises
    ------
    FormatVersionError
        If the file is of another version, or is not kado's.
    ConfigError
        If there is no file, or it is not of the `facility` and `store_kind` asked for.
    DamagedDataError
        If it is damaged, or lacks a table.
    DiskError
        If it cannot be read.
    """
    path = DataDir(data_dir).telemetry
    if not path.exists():
        raise ConfigError(
            Sentence(
                "there is no {path}: nothing was collected there yet; start 'kado run', or correct "
                "data_dir in kado.toml",
                path=path,
            )
        )
    # The mark first: a writer moves it after its commit.
    mark = read_mark(data_dir)
    connection = connect(path, read_only=True)
    try:
        found = _version(connection, path)
        if found == 0:
            raise DamagedDataError(
                Sentence(
                    "{path} is empty: where it was copied from, its last commits were in {name}-wal; "
                    "copy both, or restore a backup (kado store restore). If nothing was collected yet, "
                    "start 'kado run'",
                    path=path,
                    name=path.name,
                )
            )
        if found != VERSION:
            remedy = Sentence("update kado")
            if found < VERSION:
                remedy = Sentence("start 'kado run' once, which converts it to the new version")
            raise FormatVersionError(
                Sentence(
                    "{path} has format version {found}, this kado reads {version}: {remedy}",
                    path=path,
                    found=found,
                    version=VERSION,
                    remedy=remedy,
                )
            )
        _check_owner(connection, path, facility, store_kind)
        check_schema(connection, store_kind_of(connection))
        _warn_of_lost_tail(connection, data_dir, mark)
    except BaseException:
        connection.close()
        raise
    return connection


def store_kind_of(connection: TelemetryConnection) -> StoreKind:
    """Return for which kind of store a file was made."""
    with decoding(connection, "meta"):
        (value,) = connection.execute("SELECT value FROM meta WHERE key = 'store_kind'").fetchone()
        return next(kind for kind in get_args(StoreKind) if kind == value)


def created_ns(connection: TelemetryConnection) -> int:
    """Return when the file was made."""
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'created_ns'").fetchone()
    return int(value)


def facility_of(connection: TelemetryConnection) -> str:
    """Return whose file it is."""
    with decoding(connection, "meta"):
        (value,) = connection.execute("SELECT value FROM meta WHERE key = 'facility'").fetchone()
        return str(value)


def _warn_of_lost_tail(connection: TelemetryConnection, data_dir: Path, mark: Mark | str | None) -> None:
    text = describe_lost_tail(connection, data_dir, mark)
    if text and text not in _warned:
        _warned.add(text)
        _LOG.error("%s", text)


def _version(connection: TelemetryConnection, path: Path) -> int:
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except DamagedDataError as error:
        raise FormatVersionError(
            Sentence(
                "{path} is not a telemetry file of kado's ({cause}): move it away; if it was kado's, "
                "it is damaged: {restore}",
                path=path,
                cause=error.__cause__,
                restore=RESTORE,
            )
        ) from error
    if version == 0 and tables:
        raise FormatVersionError(
            Sentence("{path} is a database, but not kado's: move it away, or choose another data_dir", path=path)
        )
    return version


def _migrate(connection: TelemetryConnection, facility: str, store_kind: StoreKind, now_ns: int) -> None:
    with transaction(connection):
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        for step in STEPS[found:]:
            step(connection, store_kind)
        if found == 0:
            meta = [("facility", facility), ("store_kind", store_kind), ("created_ns", str(now_ns))]
            connection.executemany("INSERT INTO meta VALUES(?, ?)", meta)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _check_owner(
    connection: TelemetryConnection, path: Path, facility: str | None, store_kind: StoreKind | None
) -> None:
    with decoding(connection, "meta"):
        meta: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        owner, kind = meta["facility"], meta["store_kind"]
        int(meta["created_ns"])
        if kind not in get_args(StoreKind):
            raise ValueError(f"store_kind is {kind!r}")
    if facility is not None and owner != facility:
        raise ConfigError(
            Sentence(
                "{path} belongs to facility {owner!r}, not to {facility!r}: each facility needs a data_dir of its own",
                path=path,
                owner=owner,
                facility=facility,
            )
        )
    if store_kind is not None and kind != store_kind:
        raise ConfigError(
            Sentence(
                "{path} was made for the store {kind!r}, and store.kind says {store_kind!r}: choose "
                "another data_dir for the other store",
                path=path,
                kind=kind,
                store_kind=store_kind,
            )
        )
