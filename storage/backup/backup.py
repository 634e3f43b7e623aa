"""A backup of a data directory, made also while a service writes in it."""

import fcntl
import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final

from facility.errors import ArchiveAwayError, ArchiveError, ConfigError, DiskError, LockedError, UsageError
from facility.sentence import Sentence
from facility.time import Clock, format_time
from storage.backup.snapshots import (
    FORMAT,
    LIST,
    PARTIAL,
    CopiedFile,
    complete_snapshots,
    list_text,
    listed,
    name_of,
    read_snapshot,
)
from storage.data_dir import PRIVATE, DataDir, make_private, sync
from storage.embedded.archive import manifest
from storage.embedded.archive.choice import place_of
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.place import DamagedFileError, MissingFileError, Place
from storage.telemetry_db import TelemetryConnection, open_reader
from storage.telemetry_db.connection import connect
from storage.upkeep import Progress

_ANSWERS: Final = "answers"
_PAGES_AT_ONCE: Final = 4096
_ROUNDS: Final = 5


class BackupStep(StrEnum):
    """What has just been done; tests end the process there."""

    DATABASE = "database"
    FILE = "file"
    FILES = "files"
    LISTED = "listed"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup did."""

    path: Path
    files: int
    bytes: int
    """All that it holds."""
    copied: int
    """Files of those that are new here; the others are shared with the backup before."""
    copied_bytes: int
    problems: tuple[str, ...]
    """Sealed files that could not be copied, since they are damaged or missing."""


class _ReplacedError(Exception):
    """A sealed file is gone since the database was copied."""


class Backup:
    """Makes one backup.

    Contract: needs no lock of the data directory, and changes nothing in it. The databases are copied page by page
    from one state each, while others write; then the sealed files that the copied manifest names. One that was
    replaced meanwhile makes the round begin again, which copies only what is new. The list comes last: before it is
    there, nothing takes the folder for a backup, and the next one takes over what was copied.
    """

    def __init__(
        self,
        data_dir: Path,
        folder: Path,
        clock: Clock,
        *,
        progress: Progress = lambda _, __: None,
        at_step: Callable[[BackupStep], None] = lambda _: None,
    ) -> None:
        self._data_dir = data_dir
        self._folder = folder
        self._partial = folder / PARTIAL
        self._clock = clock
        self._progress = progress
        self._at_step = at_step
        self._before: dict[str, CopiedFile] = {}
        self._before_path: Path | None = None
        self._copied: dict[str, CopiedFile] = {}
        self._copied_bytes = 0
        self._done = 0
        self._total = 1

    def make(self, simulated: bool) -> BackedUp:
        """Make it.

        Raises
        ------
        ConfigError
            If nothing was collected yet, or the folder cannot be written.
        UsageError
            If the folder lies in the data directory.
        LockedError
            If another backup is made into the same folder.
        ArchiveAwayError
            If the place of the sealed files cannot be reached.
        """
        if self._data_dir.resolve() in (self._folder.resolve(), *self._folder.resolve().parents):
            raise UsageError(
                Sentence(
                    "{folder} lies in the data directory {data_dir}: a backup belongs on another disk",
                    folder=self._folder,
                    data_dir=self._data_dir,
                )
            )
        with closing(open_reader(self._data_dir)) as source, _only_one(self._folder), self._room():
            self._look_at_the_one_before()
            self._partial.mkdir(exist_ok=True)
            # One that was interrupted just before it got its name is no longer complete from here on.
            (self._partial / LIST).unlink(missing_ok=True)
            files, problems = self._copy_consistent(source)
            made_ns = self._clock()
            meta = dict(source.execute("SELECT key, value FROM meta"))
            says = {
                "format": FORMAT,
                "kado_version": version("kado"),
                "facility": meta["facility"],
                "simulated": simulated,
                "store": meta["store_kind"],
                "made": format_time(made_ns),
                "files": listed(files),
                "problems": problems,
            }
            path = self._publish(list_text(says), {file.path for file in files}, made_ns)
        copied = sum(path in self._copied for path in (file.path for file in files))
        total = sum(file.size for file in files)
        return BackedUp(path, len(files), total, copied, self._copied_bytes, tuple(problems))

    @contextmanager
    def _room(self) -> Generator[None]:
        """Name the disk in the error when the backup cannot be written."""
        try:
            yield
        except (OSError, DiskError) as error:
            raise ConfigError(
                Sentence(
                    "{folder} does not take the backup ({error}): free space or replace the disk; what "
                    "is copied is kept, and the next backup goes on with it",
                    folder=self._folder,
                    error=error,
                )
            ) from error

    def _look_at_the_one_before(self) -> None:
        for path in reversed(complete_snapshots(self._folder)):
            try:
                snapshot = read_snapshot(path)
            except ArchiveError:
                continue
            self._before_path = path
            self._before = {file.path: file for file in snapshot.files}
            return

    def _copy_consistent(self, source: TelemetryConnection) -> tuple[list[CopiedFile], list[str]]:
        for _ in range(_ROUNDS):
            files = [self._copy_database(source, DataDir(self._partial).telemetry)]
            self._at_step(BackupStep.DATABASE)
            try:
                sealed, problems = self._copy_archive(DataDir(self._partial).telemetry)
            except _ReplacedError:
                continue
            files += sealed
            if (journal := DataDir(self._data_dir).journal).is_file():
                with closing(connect(journal, read_only=True)) as connection:
                    files.append(self._copy_database(connection, DataDir(self._partial).journal))
            files += self._copy_answers()
            self._at_step(BackupStep.FILES)
            return files, problems
        raise ArchiveError(
            Sentence(
                "{data_dir}: sealed files were replaced {rounds} times while they were copied: make "
                "the backup again, when months have been merged",
                data_dir=self._data_dir,
                rounds=_ROUNDS,
            )
        )

    def _copy_database(self, source: TelemetryConnection, target: Path) -> CopiedFile:
        """Copy one state of a database, whatever is written to it meanwhile."""
        target.unlink(missing_ok=True)
        make_private(target)
        with closing(connect(target)) as copy:
            # The open transaction holds this state; without it each foreign commit would restart the copy.
            source.execute("BEGIN")
            try:
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()
                source.copy_to(copy, _PAGES_AT_ONCE)
            finally:
                source.execute("COMMIT")
            # One file that can be read from a disk that takes no writes.
            copy.execute("PRAGMA journal_mode = DELETE")
        sync(target)
        copied = CopiedFile(target.name, target.stat().st_size, sha256_of(target))
        self._count(copied)
        return copied

    def _copy_archive(self, telemetry: Path) -> tuple[list[CopiedFile], list[str]]:
        with closing(connect(telemetry, read_only=True)) as copied:
            if not copied.execute("SELECT count(*) FROM sqlite_master WHERE name = 'archive_file'").fetchone()[0]:
                return [], []
            place = place_of(copied, self._data_dir)
            named = manifest.all_files(copied)
        self._total = max(1, sum(sum(file.sizes.values()) for file in named))
        self._done = 0
        files: list[CopiedFile] = []
        problems: list[str] = []
        for file in named:
            for path, size in file.sizes.items():
                sealed = _sealed(file, minutes=path != file.name.path("samples"))
                copied_file = self._take_over(path, size, sealed) or self._copy_sealed(
                    place, file, path, sealed, problems
                )
                if copied_file is not None:
                    files.append(copied_file)
                self._done += size
                self._progress(self._done, self._total)
                self._at_step(BackupStep.FILE)
        return files, problems

    def _take_over(self, path: str, size: int, sealed: str) -> CopiedFile | None:
        """Share a file with the backup before, or keep what an interrupted one has copied."""
        name = f"archive/{path}"
        target = self._partial / name
        if (known := self._copied.get(name)) is not None and known.sealed == sealed:
            return known
        before = self._before.get(name)
        if before is None or before.sealed != sealed or before.size != size or self._before_path is None:
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(self._before_path / name, target)
        except FileNotFoundError:
            return None
        except OSError:
            # A disk that knows no hard links; the copy is checked like any other.
            if not self._copy_between(self._before_path / name, target, before):
                return None
        return before

    def _copy_between(self, source: Path, target: Path, expected: CopiedFile) -> bool:
        make_private(target)
        shutil.copyfile(source, target)
        sync(target)
        return target.stat().st_size == expected.size and sha256_of(target) == expected.sha256

    def _copy_sealed(
        self, place: Place, file: SealedFile, path: str, sealed: str, problems: list[str]
    ) -> CopiedFile | None:
        name = f"archive/{path}"
        target = self._partial / name
        size = file.sizes[path]
        try:
            (content,) = place.read(path, size, [(0, size)])
            _confirm(place, file, path, content)
        except ArchiveAwayError:
            raise
        except MissingFileError as error:
            if self._is_replaced(file):
                raise _ReplacedError from error
            problems.append(str(error))
            return None
        except DamagedFileError as error:
            problems.append(str(error))
            return None
        checksum = hashlib.sha256(content).hexdigest()
        if not (target.is_file() and target.stat().st_size == size and sha256_of(target) == checksum):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            make_private(target)
            target.write_bytes(content)
            sync(target)
        copied = CopiedFile(name, size, checksum, sealed)
        self._count(copied)
        return copied

    def _is_replaced(self, file: SealedFile) -> bool:
        with closing(open_reader(self._data_dir)) as now:
            return not now.execute("SELECT count(*) FROM archive_file WHERE id = ?", (file.id,)).fetchone()[0]

    def _copy_answers(self) -> list[CopiedFile]:
        folder = self._data_dir / _ANSWERS
        files: list[CopiedFile] = []
        for source in sorted(folder.iterdir()) if folder.is_dir() else []:
            target = self._partial / _ANSWERS / source.name
            target.parent.mkdir(exist_ok=True)
            make_private(target)
            shutil.copyfile(source, target)
            sync(target)
            files.append(CopiedFile(f"{_ANSWERS}/{source.name}", target.stat().st_size, sha256_of(target)))
            self._count(files[-1])
        return files

    def _count(self, file: CopiedFile) -> None:
        if file.path not in self._copied:
            self._copied_bytes += file.size
        self._copied[file.path] = file

    def _publish(self, text: str, named: set[str], made_ns: int) -> Path:
        """Write the list, then give the backup its name."""
        for path in [path for path in self._partial.rglob("*") if path.is_file()]:
            if str(path.relative_to(self._partial)) not in named:
                path.unlink()
        draft = self._partial / f".{LIST}.tmp"
        draft.write_text(text, encoding="utf-8")
        sync(draft)
        for folder in [*(path for path in self._partial.rglob("*") if path.is_dir()), self._partial]:
            sync(folder)
        draft.rename(self._partial / LIST)
        sync(self._partial)
        self._at_step(BackupStep.LISTED)
        name, n = name_of(made_ns), 1
        while (self._folder / name).exists():
            n += 1
            name = f"{name_of(made_ns)}-{n}"
        path = self._partial.rename(self._folder / name)
        sync(self._folder)
        self._at_step(BackupStep.PUBLISHED)
        return path


def thin_out(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest complete backups; return what was removed. What others share with them stays."""
    old = complete_snapshots(folder)[:-keep]
    for path in old:
        # Without its list it is no backup any more, even if the rest takes long to remove.
        (path / LIST).unlink()
        shutil.rmtree(path)
    return old


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sealed(file: SealedFile, *, minutes: bool) -> str:
    if minutes:
        return f"minutes {file.minutes_checksum:08x}"
    return f"samples {file.tail_checksum:08x} {zlib.crc32(file.groups.tobytes()):08x}"


def _confirm(place: Place, file: SealedFile, path: str, content: bytes) -> None:
    """See that what was read is what was sealed."""
    if path != file.name.path("samples"):
        right = zlib.crc32(content) == file.minutes_checksum
    else:
        view = memoryview(content)
        groups = zip(
            file.groups["offset"].tolist(), file.groups["size"].tolist(), file.groups["checksum"].tolist(), strict=True
        )
        tail = int(file.groups["offset"][-1] + file.groups["size"][-1])
        right = zlib.crc32(view[tail:]) == file.tail_checksum
        right = right and all(zlib.crc32(view[at : at + size]) == checksum for at, size, checksum in groups)
    if not right:
        raise DamagedFileError(place.full_name(path), Sentence("it is not what was sealed"))


@contextmanager
def _only_one(folder: Path) -> Generator[None]:
    """Make the folder, and keep another backup out of it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, PRIVATE)
    except OSError as error:
        raise ConfigError(
            Sentence(
                "{folder} cannot be written: {reason}; choose another folder", folder=folder, reason=error.strerror
            )
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise LockedError(Sentence("another backup is being made into {folder}: wait for it", folder=folder)) from error
    finally:
        os.close(fd)
