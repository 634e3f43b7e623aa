"""The command line ``kado``: builds a command from the table when it is used."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command as build

from facility.errors import UsageError
from facility.extras import missing_extra
from kado.cli.command import command
from kado.cli.command_list import COMMANDS, Entry, Group
from kado.cli.help import translate
from kado.language import chosen_language, set_language, tr
from kado.version import __version__

SUMMARY: Final = "Monitor the operation of a research facility and report its availability with evidence."
EPILOG: Final = "First steps: kado init, kado check, kado run. Without a machine: kado demo."


class _Lazy(TyperGroup):
    """A group of commands that are imported when they are used."""

    table: Group

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # The names are enough for typer's list and for its suggestions.
        self.commands = cast("Any", dict.fromkeys(self.table.commands))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = self.table.commands.get(cmd_name)
        return None if found is None else _built(cmd_name, found)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let the default command take what is no name of a command."""
        help_only = bool(args) and args[0] in ctx.help_option_names
        if self.table.default is not None and args and not help_only and args[0] not in self.table.commands:
            args = [self.table.default, *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands from the table, without a module of theirs."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, tr(entry.summary)) for name, entry in self.table.commands.items()])


class _Program(_Lazy):
    """All of kado; chooses the language before anything is read, so that help is in it as well."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        try:
            set_language(chosen_language(_option("--lang", given), os.environ))
        except UsageError as error:
            print(f"kado: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
        translate(self)
        return super().main(given, *rest, **extra)


def _option(name: str, words: list[str]) -> str | None:
    """Return the value of an option, wherever it stands in a command."""
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word == "--":
            break
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"kado {__version__}")
        raise typer.Exit


def _built(name: str, found: Entry | Group) -> Any:
    """Return what typer makes of an entry of the table, its help in the language of now."""
    return translate(english(name, found))


def english(name: str, found: Entry | Group) -> Any:
    """Return what typer makes of an entry of the table."""
    if isinstance(found, Entry):
        single = typer.Typer(rich_markup_mode=None, add_completion=False)
        single.command(name)(command(_function(found.place)))
        return build(single)
    return build(_group(name, found))


def _class(group: Group, base: type[_Lazy]) -> type[_Lazy]:
    """Return a class of its own for a group, since typer makes the object."""

    class LazyGroup(base):
        table = group

    return LazyGroup


def _group(name: str, group: Group) -> typer.Typer:
    made = typer.Typer(
        name=name,
        cls=_class(group, _Program if name == "kado" else _Lazy),
        epilog=group.epilog or None,
        rich_markup_mode=None,
        no_args_is_help=group.place is None,
        invoke_without_command=group.place is not None,
        subcommand_metavar=group.metavar,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    if group.place:
        made.callback()(command(_function(group.place)))
    else:
        made.callback(help=group.summary)(_kado if name == "kado" else _nothing)
    return made


def _kado(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version of kado.")
    ] = False,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="ja|en", help="Language; default: KADO_LANG, otherwise the locale.")
    ] = None,
) -> None:
    """Do nothing: the command does the work."""


def _nothing() -> None:
    """Do nothing: the command below the group does the work."""


def _function(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        problem = missing_extra("this command", error)
        if problem is None:
            raise
        # Before there is a command that could report its own errors.
        print(f"kado: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)


app: Final = _group("kado", Group(SUMMARY, cast("Any", COMMANDS), EPILOG))
