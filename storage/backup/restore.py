"""A backup back into a data directory that is empty."""

import shutil
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from facility.errors import ArchiveError, ConfigError, DiskError
from facility.sentence import Sentence
from storage.backup.backup import sha256_of
from storage.backup.snapshots import LIST, CopiedFile, Snapshot
from storage.data_dir import DataDir, DirectoryLock, make_private, sync
from storage.telemetry_db.commits import newest_commit
from storage.telemetry_db.connection import connect
from storage.telemetry_db.mark import write_mark

_RESTORING: Final = ".restoring"

Progress = Callable[[int, int], None]
"""Takes how many bytes are checked or copied, and of how many."""


def check_snapshot(snapshot: Snapshot, progress: Progress = lambda _, __: None) -> None:
    """Read every file of a backup and compare it with the list.

    Raises
    ------
    ArchiveError
        Naming each file that is missing or is not what was copied.
    """
    done, total = 0, max(1, snapshot.bytes)
    wrong: list[object] = []
    for file in snapshot.files:
        if problem := _problem(snapshot.path / file.path, file):
            wrong.append(Sentence("  {path} {problem}", path=snapshot.path / file.path, problem=problem))
        done += file.size
        progress(done, total)
    if wrong:
        raise ArchiveError(
            Sentence.joined(
                [
                    Sentence(
                        "{wrong} of {files} files of the backup {path} are not what was copied there; nothing was "
                        "restored. Remove them there and take another backup, which would share them otherwise; an "
                        "older backup may have its own:",
                        wrong=len(wrong),
                        files=len(snapshot.files),
                        path=snapshot.path,
                    ),
                    *wrong,
                ]
            )
        )


def restore(
    snapshot: Snapshot, data_dir: Path, facility: str, store: str, progress: Progress = lambda _, __: None
) -> None:
    """Copy a backup into a data directory that holds nothing, after everything was checked.

    Sealed files go into the folder below the data directory, whatever their folder was before. The backup lacks what
    was acknowledged after it. An interrupted restore is begun again; before its end nothing takes the folder for data.

    Raises
    ------
    ConfigError
        If the directory is not empty, or the backup is another facility's or another store's.
    ArchiveError
        If the backup is damaged, naming each file; then nothing was touched.
    LockedError
        If another process holds the directory.
    """
    if (snapshot.facility, snapshot.store) != (facility, store):
        raise ConfigError(
            Sentence(
                "{snapshot} is a backup of facility {facility!r} with store {store!r}, and kado.toml "
                "says {ours!r} with {our_store!r}: restore it with a kado.toml of its own",
                snapshot=snapshot.path,
                facility=snapshot.facility,
                store=snapshot.store,
                ours=facility,
                our_store=store,
            )
        )
    _check_empty(data_dir)
    check_snapshot(snapshot, lambda done, total: progress(done, 2 * total))
    with DirectoryLock(data_dir), _room(data_dir):
        _check_empty(data_dir)
        folder = data_dir / _RESTORING
        shutil.rmtree(folder, ignore_errors=True)
        done, total = snapshot.bytes, max(1, 2 * snapshot.bytes)
        for file in snapshot.files:
            _copy(snapshot.path / file.path, folder / file.path, file)
            done += file.size
            progress(done, total)
        _forget_place(DataDir(folder).telemetry)
        _write_mark(folder)
        for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
            sync(path)
        last = DataDir(folder).telemetry
        for path in [*(path for path in sorted(folder.iterdir()) if path != last), last]:
            path.rename(data_dir / path.name)
        folder.rmdir()
        sync(data_dir)


@contextmanager
def _room(data_dir: Path) -> Generator[None]:
    """Name the disk in the error when the files cannot be written."""
    try:
        yield
    except (OSError, DiskError) as error:
        raise ConfigError(
            Sentence(
                "data directory {data_dir} does not take the backup ({error}): free space or replace "
                "the disk, and restore again",
                data_dir=data_dir,
                error=error,
            )
        ) from error


def _check_empty(data_dir: Path) -> None:
    if not data_dir.exists():
        return
    held = sorted({path.name for path in data_dir.iterdir()} - {DataDir(data_dir).lock.name, _RESTORING})
    if held:
        telemetry = DataDir(data_dir).telemetry.name
        half = (data_dir / _RESTORING).exists() and telemetry not in held
        what = Sentence("holds a restore that was interrupted") if half else Sentence("is not empty")
        raise ConfigError(
            Sentence(
                "data directory {data_dir} {what} ({names}): move its content away, or choose another data_dir",
                data_dir=data_dir,
                what=what,
                names=", ".join(held[:5]),
            )
        )


def _copy(source: Path, target: Path, file: CopiedFile) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    make_private(target)
    shutil.copyfile(source, target)
    sync(target)
    if problem := _problem(target, file):
        raise ArchiveError(
            Sentence(
                "{target} {problem}, right after it was copied: look at the disk; nothing else was changed",
                target=target,
                problem=problem,
            )
        )


def _problem(path: Path, file: CopiedFile) -> Sentence | None:
    """Return what is wrong with a copy; None if it is right."""
    if not path.is_file():
        return Sentence("is missing")
    if (size := path.stat().st_size) != file.size:
        return Sentence("has {size:,} bytes, and {list} says {stated:,}", size=size, list=LIST, stated=file.size)
    if sha256_of(path) == file.sha256:
        return None
    return Sentence("is not what {list} says: its SHA-256 is another", list=LIST)


def _write_mark(folder: Path) -> None:
    """Write the mark of the restored file: what came after the backup is no loss of this disk."""
    with closing(connect(DataDir(folder).telemetry)) as connection:
        newest = newest_commit(connection)
    if newest.commit:
        write_mark(folder, newest)


def _forget_place(telemetry: Path) -> None:
    """Let sealed files lie below the data directory, where they are now."""
    with closing(connect(telemetry)) as connection:
        connection.execute("DELETE FROM meta WHERE key IN ('archive', 'archive_mark')")
    sync(telemetry)
