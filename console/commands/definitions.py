"""``kado definitions``."""

from typing import Annotated

import typer

from console.command import AsKnownOnOption, ConfigOption, Format, FormatOption


def definitions(
    name: Annotated[str | None, typer.Argument(help="Explain this one; without it all are explained.")] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option("--compare", metavar="A B", help="Put two on the same period, each difference traced to a rule."),
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", "-p", help="With --compare: as in 'kado availability'.")
    ] = None,
    as_known_on: AsKnownOnOption = None,
    whole: Annotated[bool, typer.Option("--all", help="With --compare: list every event that a rule moves.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Explain the accounting definitions: the rules of counting.

    Your own ones lie in definitions/ beside kado.toml.

    \b
    Examples:
      kado definitions
      kado definitions sls
      kado definitions --compare sls aps --period 2026-10
    """
    from pathlib import Path

    from console.comparison import load_comparison
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.comparison import comparison, comparison_document
    from console.views.definitions import definition_document, explain
    from facility.definition import load_definition, own_definitions, shipped_definitions
    from facility.errors import UsageError

    if (compare is None) != (period is None) or (compare is not None and name is not None):
        raise UsageError("to compare, name both definitions and the period: --compare A B --period P")
    if compare is not None and period is not None:
        found = load_comparison(load_configuration(config), period, *compare, as_known_on)
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
