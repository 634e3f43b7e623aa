"""``kado publish``."""

from typing import Annotated

import typer

from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr
from kado.output import print_json, show, title
from kado.progress import progress_bar
from kado.rounding import count
from kado.service.publishing.publishing import publication_document, publish


def publish_figures(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First delete what was published for the facility.")
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Publish figures, events, beam state and schedule to InfluxDB for Grafana.

    'kado run' does this continuously; this command does it now, also while kado runs, for example after an
    import. Writes only what differs. Needs [publish] in kado.toml and the bucket that 'kado store init' creates
    for it.

    \b
    Examples:
      kado publish
      kado publish --rebuild
    """
    configuration = load_configuration(config)
    with progress_bar(tr("publishing"), 1) as bar:
        done = publish(
            configuration,
            system_clock,
            rebuild=rebuild,
            progress=lambda done, total: bar.advance_to(done, f"{done} of {total} months", max(total, 1)),
        )
    if output is Format.JSON:
        print_json(publication_document(configuration.profile, done))
    else:
        made = f"{count(done.points)} points written or deleted, by {', '.join(done.definitions)}"
        show(title(configuration.profile, f"published: {made}"))
