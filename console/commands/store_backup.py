"""``kado store backup`` and ``restore``."""

from pathlib import Path
from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


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
    from console.care.backup import back_up
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.store_backup import backup_document, backup_lines
    from facility.errors import ProblemFoundError
    from facility.time import system_clock

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
    from console.care.backup import restore_backup
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.store_backup import restored_document, restored_lines
    from facility.errors import ProblemFoundError

    configuration = load_configuration(config)
    restored = restore_backup(configuration, folder)
    if output is Format.JSON:
        print_json(restored_document(configuration.profile, restored, configuration.data_dir))
    else:
        show(*restored_lines(configuration.profile, restored, configuration.data_dir))
    if restored.verdict.findings:
        raise ProblemFoundError(f"{len(restored.verdict.findings)} things are not as they should be")
