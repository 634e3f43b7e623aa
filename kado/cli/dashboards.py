"""``kado dashboards export``."""

from pathlib import Path
from typing import Annotated

import typer

from facility.errors import ConfigError, MissingExtraError
from facility.profile import load_profile
from facility.sentence import Sentence
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import language, tr, words
from kado.output import print_json, show
from kado.queries.identity import identity


def export_dashboards(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files; created if it does not exist.")],
    facility: Annotated[
        str | None,
        typer.Option(help="A shipped profile or your own .toml file; default: the facility of kado.toml."),
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Write Grafana dashboards for a facility: its signals, labels, units, limits, ports.

    Each file can be put into the provisioning folder of Grafana, or imported by hand. The language is that of
    --lang.

    \b
    Examples:
      kado dashboards export grafana/ --lang ja
      kado dashboards export grafana/ --facility my_ring.toml
    """
    try:
        from dashboards.export import write_dashboards
    except ImportError as error:
        raise MissingExtraError(
            Sentence(
                "dashboards are made with grafana-foundation-sdk, which is not installed: pip "
                "install 'kado[dashboards]'"
            )
        ) from error
    profile = load_profile(facility) if facility is not None else load_configuration(config).profile
    try:
        written = write_dashboards(folder, profile, language())
    except OSError as error:
        raise ConfigError(
            Sentence("{folder} cannot be written: {reason}", folder=folder, reason=error.strerror or error)
        ) from error
    if output is Format.JSON:
        print_json({**identity(profile), "files": [str(path) for path in written]})
    else:
        name, n = words(profile.name), len(written)
        show(tr("{n} dashboards of {facility} written to {folder}", n=n, facility=name, folder=folder))
