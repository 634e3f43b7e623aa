"""``kado store backup`` and ``restore``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from facility.errors import ProblemFoundError
from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.cli.store_verify import verdict_lines
from kado.config import load_configuration
from kado.output import local, print_json, show, title
from kado.rounding import count, size
from kado.service.backup import MadeBackup, Restored, back_up, backup_document, restore_backup, restored_document


def store_backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of backups, best on another disk.")],
    keep: Annotated[
        int | None, typer.Option(help="Afterwards remove all but so many of the newest; without it none is removed.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Make a backup, while kado runs or not.

    Each backup is a folder of its own below DIR, of one instant. Sealed files that have not changed are shared with
    the backup before, so a backup every night takes what a day brings. One that is interrupted is not taken for a
    backup, and the next one goes on with it. Ends with 1 if a sealed file cannot be read; the rest is in it.

    \b
    Examples:
      kado store backup /mnt/backup/kado
      kado store backup /mnt/backup/kado --keep 30
    """
    configuration = load_configuration(config)
    made = back_up(configuration, folder, system_clock, keep=keep)
    if output is Format.JSON:
        print_json(backup_document(configuration.profile, made))
    else:
        show(*backup_lines(configuration.profile, made, configuration.store.kind))
    if made.backup.problems:
        raise ProblemFoundError(f"{len(made.backup.problems)} sealed files could not be read: see kado store verify")


def store_restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A backup, or a folder of them: then the newest.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Restore a backup into an empty data_dir.

    That of kado.toml. Reads and checks the whole backup before anything is written, and verifies what it has
    restored. Ends with 1 if that is not as it should be.

    \b
    Examples:
      kado store restore /mnt/backup/kado
      kado store restore /mnt/backup/kado/2026-11-23T120000Z
    """
    configuration = load_configuration(config)
    restored = restore_backup(configuration, folder)
    if output is Format.JSON:
        print_json(restored_document(configuration.profile, restored, configuration.data_dir))
    else:
        show(*restored_lines(configuration.profile, restored, configuration.data_dir))
    if restored.verdict.findings:
        raise ProblemFoundError(f"{len(restored.verdict.findings)} things are not as they should be")


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
