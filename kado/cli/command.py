"""What all commands share: options by the same name, one message for an error, an exit code for each kind."""

import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer

from facility.errors import KadoError
from facility.extras import missing_extra


class Format(StrEnum):
    """How a command prints."""

    TABLE = "table"
    JSON = "json"


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="KADO_CONFIG", help="The configuration; default: ./kado.toml."),
]


FormatOption = Annotated[Format, typer.Option("--format", help="Output for people (table) or for programs (json).")]


PeriodOption = Annotated[
    str,
    typer.Option(
        "--period",
        "-p",
        help="2025-05, 2025-05-13, 2025Q2, 2025, FY2024, START/END with offsets, or a run of the schedule (run:NAME).",
    ),
]


DefinitionOption = Annotated[
    str | None, typer.Option("--definition", "-d", help="Counting rules; default: those of the facility.")
]


AsKnownOnOption = Annotated[str | None, typer.Option("--as-known-on", help="Ignore what was recorded after this time.")]
AsPublishedOnOption = Annotated[
    str | None,
    typer.Option(
        "--as-published-on",
        help="Use the calendar as published by this time, whenever it was recorded: for imported history.",
    ),
]


_DEBUG = inspect.Parameter(
    "debug",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")],
)


_LANG = inspect.Parameter(
    "lang",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    # The environment is looked at by `chosen_language`, together with the locale.
    annotation=Annotated[
        str | None, typer.Option("--lang", metavar="ja|en", help="Language; default: KADO_LANG, otherwise the locale.")
    ],
)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn the errors of a command into one message on stderr and an exit code; adds ``--lang`` and ``--debug``.

    The code is the error's own: 1 a problem found, 2 wrong use or configuration, 3 something that cannot be
    reached. What is not a `KadoError` is a defect: it says so, and ends with 1.
    """

    @functools.wraps(function)
    def guarded(*args: object, debug: bool, lang: str | None, **options: object) -> None:
        del lang  # chosen before the command was made: its help is in that language, too
        try:
            function(*args, **options)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as raised:
            if debug:
                traceback.print_exc()
            error = _culprit(raised)
            if isinstance(error, ModuleNotFoundError):
                error = missing_extra("this command", error) or error
            if isinstance(error, KadoError):
                from kado.language.sentences import error_text  # only where there is an error to say

                print(f"kado: {error_text(error)}", file=sys.stderr)
                raise typer.Exit(error.exit_code) from None
            hint = "" if debug else "; please report it with what --debug shows"
            print(f"kado: a defect in kado: {type(error).__name__}: {error}{hint}", file=sys.stderr)
            raise typer.Exit(1) from None

    # Typer keeps the lines of a paragraph that begins with this character as they are.
    guarded.__doc__ = (function.__doc__ or "").replace("\\b", "\b")
    signature = inspect.signature(function)
    guarded.__signature__ = signature.replace(parameters=[*signature.parameters.values(), _LANG, _DEBUG])  # type: ignore[attr-defined]  # typer reads this attribute
    return guarded


def _culprit(error: Exception) -> Exception:
    """Return the error that tasks which ran together failed with: of several a defect, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    group = cast("ExceptionGroup[Exception]", error)
    leaves = [_culprit(e) for e in group.exceptions]
    return next((e for e in leaves if not isinstance(e, KadoError)), leaves[0])
