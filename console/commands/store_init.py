"""``kado store init``."""

from pathlib import Path
from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


def init_store(
    operator_token_file: Annotated[
        Path | None, typer.Option(help="File with a token that may make buckets; else the token of [store] is used.")
    ] = None,
    operator_token_env: Annotated[
        str | None, typer.Option(help="Environment variable with such a token, instead of a file.")
    ] = None,
    write_token: Annotated[
        bool,
        typer.Option(
            "--write-token", help="Make a token for these buckets alone, into store.token_file; none is overwritten."
        ),
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Change the retention of buckets that are there. Shorter: InfluxDB deletes what is older."
        ),
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Make in InfluxDB the buckets that [store] names.

    One for samples and, with _1m behind its name, one for what each minute comes to. Each keeps them for as long as
    retention_days and minutes_retention_days say. Harmless when done again: what is there is told and left as it is.
    Ends with 1 if a bucket keeps samples for another time than kado.toml says.

    \b
    Examples:
      kado store init --operator-token-file operator.token --write-token
      kado store init --update
    """
    from console.config import load_configuration
    from console.output import print_json, show
    from console.store_setup import set_up
    from console.views.store_init import setup_document, setup_table
    from facility.errors import ProblemFoundError

    configuration = load_configuration(config)
    setup = set_up(
        configuration, token_file=operator_token_file, token_env=operator_token_env, write=write_token, update=update
    )
    if output is Format.JSON:
        print_json(setup_document(configuration.profile, setup))
    else:
        show(*setup_table(configuration.profile, setup))
    if setup.differing:
        names = " and ".join(bucket.name for bucket in setup.differing)
        raise ProblemFoundError(
            f"the server keeps the samples of {names} for another time than kado.toml says: correct kado.toml, or let"
            " kado store init --update change the server"
        )
