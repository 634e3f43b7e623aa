"""``kado definitions``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from facility.definition import Definition, load_definition, own_definitions, shipped_definitions
from facility.errors import UsageError
from facility.sentence import Sentence
from kado.cli.as_of import as_of
from kado.cli.command import AsKnownOnOption, AsPublishedOnOption, ConfigOption, Format, FormatOption
from kado.cli.comparison import comparison
from kado.config import load_configuration
from kado.language import tr, words
from kado.output import print_json, show
from kado.progress import progress_bar
from kado.queries.comparison import comparison_document, load_comparison
from kado.queries.definitions import RULES, definition_document


def definitions(
    name: Annotated[str | None, typer.Argument(help="Explain this definition; default: all of them.")] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--compare",
            metavar="A B",
            help="Compare two definitions on the same period and trace each difference to a rule.",
        ),
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", "-p", help="With --compare: as in 'kado availability'.")
    ] = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    whole: Annotated[bool, typer.Option("--all", help="With --compare: list every event that a rule changes.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Explain the accounting definitions: the counting rules.

    Your own definitions are in definitions/ beside kado.toml.

    \b
    Examples:
      kado definitions
      kado definitions sls
      kado definitions --compare sls aps --period 2026-10
    """
    if (compare is None) != (period is None) or (compare is not None and name is not None):
        raise UsageError(Sentence("--compare needs two definitions and a period: --compare A B --period P"))
    if compare is not None and period is not None:
        configuration, when = load_configuration(config), as_of(as_known_on, as_published_on)
        with progress_bar(tr("comparing"), 1) as bar:
            found = load_comparison(configuration, period, *compare, when, progress=bar.advance_through)
        if output is Format.JSON:
            print_json(comparison_document(found))
        else:
            show(*comparison(found, whole=whole))
        return
    folder = (config or Path("kado.toml")).absolute().parent
    names = [name] if name is not None else sorted({*shipped_definitions(), *own_definitions(folder)})
    loaded = [load_definition(n, folder) for n in names]
    if output is Format.JSON:
        print_json([definition_document(d) for d in loaded])
    else:
        show(*explain(loaded))


_WITHOUT_EFFECT: Final[dict[str, Callable[[Definition], bool]]] = {
    "requires": lambda d: not d.requires,
    "fails_on": lambda d: not d.fails_on,
    "limits_frozen_in_runs": lambda d: not d.limits_frozen_in_runs,
    "min_samples": lambda d: d.min_samples == 1,
    "trip_below_s": lambda d: not d.trip_below_s,
    "trips_are_downtime": lambda d: not d.trip_below_s,
}
"""Rules that are left out where a definition does not use them."""


def explain(definitions: Sequence[Definition]) -> list[RenderableType]:
    """Return each definition's rules, a line each."""
    parts: list[RenderableType] = []
    for definition in definitions:
        parts += [Text(f"{definition.id}: {words(definition.title)}", style="bold")]
        rows = Table.grid(padding=(0, 2))
        rows.add_column(overflow="fold")
        rows.add_column(style="dim", no_wrap=True, overflow="fold")
        rows.add_column(overflow="fold")
        for rule, (name, choice) in RULES.items():
            if not _WITHOUT_EFFECT.get(rule, lambda _: False)(definition):
                rows.add_row("", words(name), choice(definition))
        for reference in definition.references:
            rows.add_row("", tr("reference"), reference)
        parts += [rows, ""]
    return parts[:-1]
