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
from kado.language import marked, tr, trn
from kado.output import local, print_json, show, title
from kado.rounding import count, size
from kado.service.backup import MadeBackup, Restored, back_up, backup_document, restore_backup, restored_document


def store_backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of backups, preferably on another disk.")],
    keep: Annotated[
        int | None, typer.Option(help="Afterwards keep only this number of the newest backups; default: keep all.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Make a backup, also while kado runs.

    Each backup is one folder below DIR and shows one instant. Unchanged sealed files are shared with the
    previous backup, so a nightly backup needs only the space of one day. An interrupted backup does not count;
    the next one continues it. Ends with 1 if a sealed file cannot be read; the rest is included.

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
        show(*backup_lines(configuration.profile, made, local_samples=configuration.backend.local))
    if made.backup.problems:
        raise ProblemFoundError(
            trn(
                "{n} sealed file could not be read: see kado store verify",
                "{n} sealed files could not be read: see kado store verify",
                len(made.backup.problems),
            )
        )


def store_restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A backup, or a folder of backups: then the newest.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Restore a backup into an empty data_dir.

    The data_dir is that of kado.toml. Reads and checks the whole backup before it writes, and verifies the
    restored data. Ends with 1 if there is a problem.

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
        raise ProblemFoundError(
            trn(
                "{n} problem found in the restored data",
                "{n} problems found in the restored data",
                len(restored.verdict.findings),
            )
        )


_INFLUXDB = marked(
    "Samples in InfluxDB are not included: use influx backup. Samples waiting to be forwarded are included."
)


def backup_lines(profile: Profile, made: MadeBackup, *, local_samples: bool) -> list[RenderableType]:
    """Return where it is and what is new in it."""
    backup = made.backup
    shared = backup.files - backup.copied
    lines: list[RenderableType] = [
        title(profile, tr("backup")),
        trn(
            "{folder}: {n} file, {size}",
            "{folder}: {n} files, {size}",
            backup.files,
            folder=backup.path,
            size=size(backup.bytes),
        ),
        trn("{n} file copied, {size}", "{n} files copied, {size}", backup.copied, size=size(backup.copied_bytes))
        + (tr("; {n} shared with the previous backup", n=count(shared)) if shared else ""),
    ]
    if not local_samples:
        lines.append(tr(_INFLUXDB))
    if made.removed:
        lines.append(tr("removed {names}", names=", ".join(path.name for path in made.removed)))
    if backup.problems:
        lines += ["", tr("not included, because it cannot be read:"), *(f"  {problem}" for problem in backup.problems)]
    return lines


def restored_lines(profile: Profile, restored: Restored, data_dir: Path) -> list[RenderableType]:
    """Return what is there again, and whether it is whole."""
    snapshot = restored.snapshot
    made = local(snapshot.made_ns, profile.zone, offset=True)
    lines: list[RenderableType] = [
        title(profile, tr("restore")),
        trn(
            "{backup} of {time}: {n} file, {size}, restored into {folder}",
            "{backup} of {time}: {n} files, {size}, restored into {folder}",
            len(snapshot.files),
            backup=snapshot.path,
            time=made,
            size=size(snapshot.bytes),
            folder=data_dir,
        ),
        tr("Samples received after that time are not included."),
    ]
    if snapshot.problems:
        lines += [
            tr("not included, because it could not be read when the backup was made:"),
            *(f"  {problem}" for problem in snapshot.problems),
        ]
    return [*lines, "", *verdict_lines(profile, restored.verdict)]
