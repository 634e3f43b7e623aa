"""What a backup holds, and what was restored."""

from pathlib import Path
from typing import Any

from rich.console import RenderableType

from console.care.backup import MadeBackup, Restored
from console.output import local, title
from console.rounding import count, size
from console.views.store_verifying import verdict_document, verdict_lines
from facility.profile import Profile
from facility.time import format_time

_INFLUXDB = "the samples in InfluxDB are not part of it: influx backup does that; what waits to be forwarded is"


def backup_lines(profile: Profile, made: MadeBackup, store: str) -> list[RenderableType]:
    """Return where it is and what is new in it."""
    backup = made.backup
    shared = backup.files - backup.copied
    lines: list[RenderableType] = [
        title(profile, "backup"),
        f"{backup.path}: {count(backup.files)} files, {size(backup.bytes)}",
        f"{count(backup.copied)} files were copied, {size(backup.copied_bytes)}"
        + (f"; {count(shared)} are shared with the backup before" if shared else ""),
    ]
    if store == "influxdb":
        lines.append(_INFLUXDB)
    if made.removed:
        lines.append(f"removed {', '.join(path.name for path in made.removed)}")
    if backup.problems:
        lines += ["", "not in it, because it cannot be read:", *(f"  {problem}" for problem in backup.problems)]
    return lines


def backup_document(profile: Profile, made: MadeBackup) -> dict[str, Any]:
    """Return the same for programs."""
    backup = made.backup
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "path": str(backup.path),
        "files": backup.files,
        "bytes": backup.bytes,
        "copied": backup.copied,
        "copied_bytes": backup.copied_bytes,
        "removed": [str(path) for path in made.removed],
        "problems": list(backup.problems),
    }


def restored_lines(profile: Profile, restored: Restored, data_dir: Path) -> list[RenderableType]:
    """Return what is there again, and whether it is whole."""
    snapshot = restored.snapshot
    made = local(snapshot.made_ns, profile.zone, offset=True)
    lines: list[RenderableType] = [
        title(profile, "restore"),
        f"{snapshot.path} of {made}: {count(len(snapshot.files))} files, {size(snapshot.bytes)}, now in {data_dir}",
        "what came in after that time is not in it",
    ]
    if snapshot.problems:
        lines += ["when it was made, this could not be read:", *(f"  {problem}" for problem in snapshot.problems)]
    return [*lines, "", *verdict_lines(profile, restored.verdict)]


def restored_document(profile: Profile, restored: Restored, data_dir: Path) -> dict[str, Any]:
    """Return the same for programs."""
    snapshot = restored.snapshot
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "backup": str(snapshot.path),
        "made": format_time(snapshot.made_ns, profile.zone),
        "data_dir": str(data_dir),
        "files": len(snapshot.files),
        "bytes": snapshot.bytes,
        "problems": list(snapshot.problems),
        "verified": verdict_document(profile, restored.verdict),
    }
