"""Backups of the data directory, and back: ``kado store backup`` and ``restore``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facility.errors import UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import Clock, format_time
from kado.config import Configuration
from kado.language import tr
from kado.progress import progress_bar
from kado.queries.identity import identity
from kado.rounding import size
from kado.service.verifying import Verdict, look, verdict_document
from storage.backup.backup import BackedUp, Backup, thin_out
from storage.backup.restore import restore
from storage.backup.snapshots import Snapshot, find_snapshot, read_snapshot
from storage.data_dir import DataDir


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A backup, and those that went for it."""

    backup: BackedUp
    removed: tuple[Path, ...]
    """Older ones, by ``--keep``."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and whether it is whole."""

    snapshot: Snapshot
    verdict: Verdict


def back_up(configuration: Configuration, folder: Path, clock: Clock, *, keep: int | None) -> MadeBackup:
    """Make a backup while another process may write, with a progress bar; errors as `Backup.make`."""
    if keep is not None and keep < 1:
        raise UsageError(
            Sentence("--keep {keep}: at least the backup that is being made is kept, so give 1 or more", keep=keep)
        )
    with progress_bar(tr("backup"), 1) as bar:

        def show(done: int, total: int) -> None:
            bar.advance_to(done, size(done), total)

        made = Backup(configuration.data_dir, folder, clock, progress=show).make(configuration.profile.simulated)
    if not made.problems:
        # Read beside the service: how old the last backup is stands on dashboards, and an alert fires on it.
        DataDir(configuration.data_dir).last_backup.write_text(f"{format_time(clock())}\n", encoding="utf-8")
    # A backup that lacks something is no reason to give up one that may have it.
    removed = thin_out(folder, keep) if keep is not None and not made.problems else []
    return MadeBackup(made, tuple(removed))


def restore_backup(configuration: Configuration, folder: Path) -> Restored:
    """Restore the backup that `folder` is, or the newest in it, into the empty data directory, and verify it.

    Raises
    ------
    ConfigError
        If there is no complete backup, it is of something else, or the data directory is not empty.
    ArchiveError
        If it is damaged; then nothing was touched.
    """
    snapshot = read_snapshot(find_snapshot(folder))
    profile, backend = configuration.profile, configuration.backend
    with progress_bar(tr("restore"), 1) as bar:

        def show(done: int, total: int) -> None:
            bar.advance_to(done, size(done), total)

        restore(snapshot, configuration.data_dir, profile.id, backend.kind, show)
    # A server may be away, and has nothing to do with what was restored.
    return Restored(snapshot, look(configuration, deep=False, ledger=backend.local))


def backup_document(profile: Profile, made: MadeBackup) -> dict[str, Any]:
    """Return the same for programs."""
    backup = made.backup
    return {
        **identity(profile),
        "path": str(backup.path),
        "files": backup.files,
        "bytes": backup.bytes,
        "copied": backup.copied,
        "copied_bytes": backup.copied_bytes,
        "removed": [str(path) for path in made.removed],
        "problems": list(backup.problems),
    }


def restored_document(profile: Profile, restored: Restored, data_dir: Path) -> dict[str, Any]:
    """Return the same for programs."""
    snapshot = restored.snapshot
    return {
        **identity(profile),
        "backup": str(snapshot.path),
        "made": format_time(snapshot.made_ns, profile.zone),
        "data_dir": str(data_dir),
        "files": len(snapshot.files),
        "bytes": snapshot.bytes,
        "problems": list(snapshot.problems),
        "verified": verdict_document(profile, restored.verdict),
    }
