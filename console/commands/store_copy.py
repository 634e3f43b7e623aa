"""``kado store copy``."""

from pathlib import Path
from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


def copy_store(
    to: Annotated[Path | None, typer.Option("--to", help="The kado.toml of the store to copy to.")] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="The kado.toml of the store to copy from, instead of --to.")
    ] = None,
    signal: Annotated[
        list[str] | None, typer.Option(help="Only this signal. Repeatable; without it all, links included.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Copy samples between stores, embedded or InfluxDB.

    Both must be of the same facility. The one that is copied to must not be in use by a running kado. Harmless when
    done twice, and resumed where it was interrupted: what is there already is found by comparing. In the end both sides
    are counted; ends with 1 if they do not agree. Calendar, corrections and incidents (journal.db) are not copied.

    \b
    Examples:
      kado store copy --to influxdb/kado.toml
      kado store copy --from old/kado.toml --signal stored_current
    """
    from console.config import load_configuration
    from console.copying import copy_store as copy
    from console.output import print_json, show
    from console.progress import progress_bar
    from console.views.store_copy import copy_document, copy_table
    from facility.errors import ProblemFoundError, UsageError
    from facility.time import system_clock

    other = to or from_
    if other is None or (to is not None and from_ is not None):
        raise UsageError("say with one of --to FILE and --from FILE which other kado.toml the copy is about")
    # The environment says how this kado is configured, not how the other one is.
    here, there = load_configuration(config), load_configuration(other, environment=False)
    source, target = (here, there) if to is not None else (there, here)
    with progress_bar("copying", 1) as bar:
        result = copy(
            source,
            target,
            system_clock,
            signals=tuple(signal or ()),
            progress=lambda done, total, name: bar.advance_to(done, f"{name}, {done:,} samples", max(total, 1)),
        )
    if output is Format.JSON:
        print_json(copy_document(source.profile, result))
    else:
        show(*copy_table(source.profile, result))
    if problems := result.problems():
        raise ProblemFoundError("\n".join(["the counts of both sides do not agree", *problems]))
