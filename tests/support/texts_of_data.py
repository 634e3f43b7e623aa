"""Texts that stand in data and not in a call: what commands say of themselves, and sentences of other rooms."""

from collections.abc import Iterator
from typing import Any

from kado.cli import help, main
from kado.cli.command_list import COMMANDS, Entry
from texts import Found


def texts_of_commands() -> Iterator[Found]:
    """Yield the summaries, paragraphs, epilogs and options of all commands."""
    yield Found((main.SUMMARY,), "kado/cli/main.py")
    yield Found((main.EPILOG,), "kado/cli/main.py")
    for name, entry in COMMANDS.items():
        yield Found((entry.summary,), "kado/cli/command_list.py")
        if not isinstance(entry, Entry):
            if entry.epilog:
                yield Found((entry.epilog,), "kado/cli/command_list.py")
            yield from (Found((below.summary,), "kado/cli/command_list.py") for below in entry.commands.values())
        yield from _of_command(main.english(name, entry), "kado/cli/" + name)


def _of_command(command: Any, place: str) -> Iterator[Found]:
    for paragraph in help.paragraphs(command.help or ""):
        if not paragraph.startswith("\b"):
            yield Found((paragraph,), place)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            yield Found((parameter.help,), place)
    table = getattr(command, "table", None)
    for name, entry in () if table is None else table.commands.items():
        yield from _of_command(main.english(name, entry), place + "/" + name)


def texts_of_rooms() -> Iterator[Found]:
    """Yield the sentences that rooms below kado have in English alone."""
    from analytics.distortions import Standing
    from analytics.explain import Rule

    for enumeration in (Rule, Standing):
        yield from (Found((member.value,), "kado/own_packages.py") for member in enumeration)
