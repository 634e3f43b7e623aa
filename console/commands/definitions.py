"""``kado definitions``."""

from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


def definitions(
    name: Annotated[str | None, typer.Argument(help="Explain this one; without it all are explained.")] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Explain the accounting definitions: the rules of counting.

    Your own ones lie in definitions/ beside kado.toml.

    \b
    Examples:
      kado definitions
      kado definitions sls
    """
    from pathlib import Path

    from console.output import print_json, show
    from console.views.definitions import explain
    from facility.definition import load_definition, own_definitions, shipped_definitions

    folder = (config or Path("kado.toml")).absolute().parent
    names = [name] if name is not None else sorted({*shipped_definitions(), *own_definitions(folder)})
    loaded = [load_definition(n, folder) for n in names]
    if output is Format.JSON:
        print_json([d.model_dump(mode="json") for d in loaded])
    else:
        show(explain(loaded))
