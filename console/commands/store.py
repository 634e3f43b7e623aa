"""The group ``kado store``: which commands there are for what is kept."""

from collections.abc import Callable
from typing import Final

import typer

from console.command import command
from console.commands import (
    store_backup,
    store_care,
    store_copy,
    store_downsample,
    store_files,
    store_init,
    store_status,
    store_verify,
)

COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "init": store_init.init_store,
    "status": store_status.store_status,
    "verify": store_verify.store_verify,
    "copy": store_copy.copy_store,
    "downsample": store_downsample.downsample_store,
    "seal": store_care.seal,
    "compact": store_care.compact,
    "export": store_files.store_export,
    "import": store_files.store_import,
    "backup": store_backup.store_backup,
    "restore": store_backup.store_restore,
}

app = typer.Typer(
    help="Look after what is kept: state, checks, backup 保管.",
    epilog="Example: kado store status",
    rich_markup_mode=None,
    no_args_is_help=True,
)
for name, function in COMMANDS.items():
    app.command(name)(command(function))
