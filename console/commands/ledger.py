"""``kado ledger``."""

from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


def ledger(
    verify: Annotated[
        bool, typer.Option("--verify", help="Count the store itself and name every difference; ends with 1 on one.")
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Account for every sample that was received.

    received = stored + waiting + rejected + dropped, counted in the transaction of the data that is counted.

    \b
    Examples:
      kado ledger
      kado ledger --verify
    """
    from collector.ledger import read_ledger, verify_ledger
    from console.config import load_configuration
    from console.output import print_json, show
    from console.stores import open_store
    from console.views.ledger import ledger_document, ledger_table
    from facility.errors import ProblemFoundError

    configuration = load_configuration(config)
    differences: list[str] | None = None
    if verify:
        with open_store(configuration) as store:
            differences = verify_ledger(read_ledger(configuration.data_dir, check_outbox=True), store)
    loaded = read_ledger(configuration.data_dir)
    if output is Format.JSON:
        print_json(ledger_document(configuration.profile, loaded, differences))
    else:
        show(*ledger_table(configuration.profile, loaded, differences))
    if differences:
        raise ProblemFoundError(f"{len(differences)} differences between the ledger and the store")
