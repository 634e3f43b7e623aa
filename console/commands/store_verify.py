"""``kado store verify``."""

from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


def store_verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also compute all minutes anew and compare; look at every row and index.")
    ] = False,
    repair_rollup: Annotated[
        bool,
        typer.Option("--repair-rollup", help="Make minutes that are wrong anew from their samples; when no kado runs."),
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Check that all that is kept is whole.

    Reads every sealed file, looks through both databases, and counts the ledger against the store. Works beside a
    running kado. Deletes nothing. Ends with 1 if something is not as it should be, naming each file and what to do.

    \b
    Examples:
      kado store verify
      kado store verify --deep
      kado store verify --repair-rollup
    """
    from console.care.verifying import verify_store
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.store_verifying import verdict_document, verdict_lines
    from facility.errors import ProblemFoundError
    from facility.time import system_clock

    configuration = load_configuration(config)
    verdict = verify_store(configuration, system_clock, deep=deep, repair_rollup=repair_rollup)
    if output is Format.JSON:
        print_json(verdict_document(configuration.profile, verdict))
    else:
        show(*verdict_lines(configuration.profile, verdict))
    if verdict.findings:
        raise ProblemFoundError(f"{len(verdict.findings)} things are not as they should be")
