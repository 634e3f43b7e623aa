"""The help of a command, in the language of now."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

import typer

from kado.language import marked, tr

_KEPT: Final = "\b"
"""A paragraph that begins with it keeps its lines: the examples."""
_EXAMPLES: Final = (marked("Examples:"), marked("Example:"))
_HEADINGS: Final[dict[str, str]] = {
    "Options": marked("Options"),
    "Commands": marked("Commands"),
    "Arguments": marked("Arguments"),
}
_USAGE: Final = marked("Usage:")
_HELP: Final = marked("Show this message and exit.")
_LEFT: Final = 30
"""Columns that the names of options take at most."""


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a docstring, each on one line, but for those that keep their lines."""
    found = [part.strip("\n") for part in re.split(r"\n\s*\n", text) if part.strip()]
    return [part if _KEPT in part else re.sub(r"\s+", " ", part).strip() for part in found]


def translate(command: Any) -> Any:
    """Put the help of a command that typer has made into the language of now, and return the command."""
    command.help = "\n\n".join(_paragraph(part) for part in paragraphs(command.help or ""))
    command.epilog = command.epilog and tr(command.epilog)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = tr(parameter.help)
    command.context_class = _Context
    return command


def wrapped(text: str, columns: int) -> list[str]:
    """Return the lines of a text that are no wider than so many columns; a Japanese character takes two.

    Lines end at spaces, and between Japanese characters, but not before a mark that may not begin a line.

    Examples
    --------
    >>> wrapped("稼働率を表示する。", 8)
    ['稼働率を', '表示す', 'る。']
    """
    lines, line, used = list[str](), "", 0
    for part in re.findall(
        r"[^\S\n]*(?:[\u3000-\u9fff\uff00-\uffef][。、）」]*|[^\s\u3000-\u9fff\uff00-\uffef]+)", text
    ):
        if line and used + _columns(part) > columns:
            lines.append(line)
            line, used, part = "", 0, part.lstrip()
        line, used = line + part, used + _columns(part)
    return [*lines, line]


def _paragraph(text: str) -> str:
    if _KEPT not in text:
        return tr(text)
    heading = next((h for h in _EXAMPLES if h in text), "")
    return text.replace(heading, tr(heading), 1) if heading else text


class _Context(typer.Context):
    """Writes the headings of a help in the language of now, and breaks lines where Japanese may be broken."""

    def make_formatter(self) -> Any:
        made: Any = super().make_formatter()
        heading, usage = made.write_heading, made.write_usage

        def write_heading(word: str) -> None:
            heading(tr(_HEADINGS.get(word, word)))

        def write_usage(prog: str, args: str = "", prefix: str | None = None) -> None:
            usage(prog, args, prefix or f"{tr(_USAGE)} ")

        def write_text(text: str) -> None:
            for number, part in enumerate(re.split(r"\n\n", text)):
                if number:
                    made.write("\n")
                kept = part.startswith(_KEPT)
                room = made.width - made.current_indent
                for line in part.lstrip("\b\n").split("\n") if kept else wrapped(part, room):
                    made.write(f"{'':>{made.current_indent}}{line}\n")

        def write_dl(rows: Sequence[tuple[str, str]], **_options: int) -> None:
            left = min(max(_columns(name) for name, _ in rows), _LEFT) + 2
            for name, text in rows:
                lines = wrapped(tr(text), made.width - made.current_indent - left)
                fits = _columns(name) <= left - 2
                first = f"{name}{'':{left - _columns(name)}}{lines.pop(0)}" if fits else name
                for line in (first, *(f"{'':{left}}{rest}" for rest in lines)):
                    made.write(f"{'':>{made.current_indent}}{line.rstrip()}\n")

        made.write_heading, made.write_usage = write_heading, write_usage
        made.write_text, made.write_dl = write_text, write_dl
        return made


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
