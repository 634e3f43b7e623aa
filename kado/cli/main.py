"""The command line ``kado``: builds a command from the table when it is used."""

from importlib import import_module
from typing import Any, Final, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command as build

from kado.cli.command import command
from kado.cli.table import COMMANDS, Entry, Group

SUMMARY: Final = "Watch a research facility's beam and say, with evidence, how available it was (稼働率)."
EPILOG: Final = "First steps: kado init, kado check, kado run. Without a machine: kado demo."


class _Lazy(TyperGroup):
    """A group of commands that are imported when they are used."""

    table: Group

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = self.table.commands.get(cmd_name)
        return None if found is None else _built(cmd_name, found)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands from the table, without a module of theirs."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.table.commands.items()])


def _built(name: str, found: Entry | Group) -> Any:
    """Return what typer makes of an entry of the table."""
    if isinstance(found, Entry):
        single = typer.Typer(rich_markup_mode=None, add_completion=False)
        single.command(name)(command(_function(found.place)))
        return build(single)
    return build(_group(name, found))


def _group(name: str, group: Group) -> typer.Typer:
    made = typer.Typer(
        name=name,
        cls=type("_LazyGroup", (_Lazy,), {"table": group}),
        epilog=group.epilog or None,
        rich_markup_mode=None,
        no_args_is_help=group.place is None,
        invoke_without_command=group.place is not None,
        subcommand_metavar=group.metavar,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    if group.place:
        made.callback()(command(_function(group.place)))
    else:
        made.callback(help=group.summary)(_nothing)
    return made


def _nothing() -> None:
    """Do nothing: the command below the group does the work."""


def _function(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


app: Final = _group("kado", Group(SUMMARY, cast("Any", COMMANDS), EPILOG))


def main() -> None:
    """Run the command line."""
    app()
