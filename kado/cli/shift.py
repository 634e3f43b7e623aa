"""``kado shift``: what a shift leaves to the next one."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from facility.handovers import Handover
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import language, tr, trn
from kado.output import print_json, show, table, title
from kado.queries.identity import identity
from kado.queries.shift import find_shift, handover_document, handovers_document, load_handovers, shift_document
from kado.queries.shift_markdown import shift_markdown, time_of
from kado.service.handovers import add_remark, hand_over
from kado.service.handovers import countersign as sign_second


class ShiftFormat(StrEnum):
    """How a shift is printed."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


AtOption = Annotated[
    str | None, typer.Option("--at", help="An instant of the shift, ISO 8601 with an offset; default: now.")
]


AuthorOption = Annotated[str, typer.Option("--author", help="Who signs or writes.")]


def show_shift(
    at: AtOption = None,
    output: Annotated[
        ShiftFormat, typer.Option("--format", help="Output for people (table, markdown) or for programs (json).")
    ] = ShiftFormat.TABLE,
    config: ConfigOption = None,
) -> None:
    r"""Show a shift: beam delivered, events, alarms, corrections, open questions.

    A shift that was handed over is shown as it was signed. The facility's profile states when shifts begin.

    \b
    Examples:
      kado shift show
      kado shift show --at 2026-10-03T09:00:00+09:00 --format markdown
    """
    configuration = load_configuration(config)
    document = shift_document(configuration, find_shift(configuration, at, clock=system_clock), clock=system_clock)
    if output is ShiftFormat.JSON:
        print_json(document)
    else:
        print(shift_markdown(configuration.profile, document), end="")


def list_handovers(
    search: Annotated[str, typer.Option("--search", help="Words that the handover must hold.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List the shifts that were handed over, newest first.

    \b
    Example:
      kado shift list --search vacuum
    """
    configuration = load_configuration(config)
    profile, listed = configuration.profile, load_handovers(configuration, search)
    if output is Format.JSON:
        print_json(handovers_document(profile, listed))
        return
    heading = title(profile, tr("shift handovers"))
    if not listed:
        show(heading, tr("none"))
        return
    rows = table(order=["no.", "shift", "signed by", "countersigned by", "events"], right=["no.", "events"])
    for h in listed:
        shift: dict[str, Any] = h.document["shift"]
        second = "" if h.countersigned is None else h.countersigned.author
        events = trn("{n} event", "{n} events", len(h.document["events"]))
        rows.add_row(str(h.id), f"{time_of(shift['start'])[:16]} {shift['name'][language()]}", h.author, second, events)
    show(heading, rows)


def remark(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the next shift should know.")],
    author: AuthorOption,
    at: AtOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Add a remark to the log of a shift.

    \b
    Example:
      kado shift remark "vacuum of cell 3 a little high" --author Sato
    """
    configuration = load_configuration(config)
    shift = find_shift(configuration, at, clock=system_clock)
    made = add_remark(configuration, shift, author, text)
    if output is Format.JSON:
        print_json({**identity(configuration.profile), "id": made.id, "author": made.author, "text": made.text})
    else:
        show(tr("remark recorded"))


def sign(
    author: AuthorOption,
    remarks: Annotated[str, typer.Option("--remarks", help="Remarks for the next shift.")] = "",
    at: AtOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Hand over a shift: freeze what is known of it, and sign.

    \b
    Example:
      kado shift sign --author Sato --remarks "quiet"
    """
    configuration = load_configuration(config)
    shift = find_shift(configuration, at, clock=system_clock)
    made = hand_over(configuration, shift, author, remarks)
    _signed(made, config, output)


def countersign(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of the handover, from 'kado shift list'.")],
    author: AuthorOption,
    remark: Annotated[str, typer.Option("--remark", help="A remark of the next shift.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Countersign a handover as the next shift.

    \b
    Example:
      kado shift countersign 12 --author Kato
    """
    _signed(sign_second(load_configuration(config), number, author, remark), config, output)


def _signed(made: Handover, config: ConfigOption, output: Format) -> None:
    configuration = load_configuration(config)
    if output is Format.JSON:
        print_json({**identity(configuration.profile), **handover_document(configuration.profile, made)})
    elif made.countersigned is not None:
        show(tr("handover #{number} was countersigned by {author}", number=made.id, author=made.countersigned.author))
    else:
        show(tr("handover #{number} was signed by {author}", number=made.id, author=made.author))
