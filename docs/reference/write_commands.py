"""Writes docs/reference/commands.md from what the commands say of themselves.

Run it after a command or an option has changed: ``python docs/reference/write_commands.py``.
"""

from pathlib import Path

from typer.testing import CliRunner

from kado.cli.command_list import COMMANDS, Entry
from kado.cli.main import app

PAGE = Path(__file__).with_name("commands.md")
HEAD = """\
# Commands

Written by `docs/reference/write_commands.py` from the commands' own `--help`; do not edit.

Exit codes: 0 fine; 1 a problem was found and reported; 2 wrong use or configuration; 3 something needed cannot be
reached; 130 interrupted. Errors go to stderr as one message; `--debug` adds the traceback.
"""


def names() -> list[list[str]]:
    """Return the words of every command, those of groups included, in the order of the help."""
    found: list[list[str]] = []
    for name, entry in COMMANDS.items():
        if isinstance(entry, Entry):
            found.append([name])
            continue
        if entry.place is not None:
            found.append([name])  # a command by itself, with further ones below it
        found += [[name, below] for below in entry.commands]
    return found


def page() -> str:
    """Return the page as it should be."""
    parts = [HEAD, _section([])]
    return "\n".join([*parts, *(_section(words) for words in names())])


def _section(words: list[str]) -> str:
    environment = {"COLUMNS": "80", "TERMINAL_WIDTH": "80", "KADO_LANG": "en"}
    answer = CliRunner().invoke(app, [*words, "--help"], prog_name="kado", env=environment)
    assert answer.exit_code == 0, answer.output
    return f"## {' '.join(['kado', *words])}\n\n```text\n{answer.output.rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
