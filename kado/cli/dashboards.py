"""``kado dashboards export``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facility.errors import ConfigError, MissingExtraError
from facility.profile import load_profile
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.output import print_json, show

if TYPE_CHECKING:
    from facility.text import Language


def export_dashboards(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go; made if it is not there.")],
    facility: Annotated[
        str | None,
        typer.Option(help="A shipped profile or your own .toml file; without it the facility of kado.toml."),
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the dashboards: en or ja.")] = "en",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Write Grafana dashboards for a facility: its signals, labels, units, limits, ports.

    Each file can be put into Grafana's provisioning folder, or imported by hand.

    \b
    Examples:
      kado dashboards export grafana/ --lang ja
      kado dashboards export grafana/ --facility my_ring.toml
    """
    if lang not in ("en", "ja"):
        raise ConfigError(f"--lang {lang!r}: use en or ja")
    language: Language = "ja" if lang == "ja" else "en"
    try:
        from dashboards.export import write_dashboards
    except ImportError as error:
        raise MissingExtraError(
            "dashboards are made with grafana-foundation-sdk, which is not installed: pip install 'kado[dashboards]'"
        ) from error
    profile = load_profile(facility) if facility is not None else load_configuration(config).profile
    try:
        written = write_dashboards(folder, profile, language)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}") from error
    if output is Format.JSON:
        print_json({"facility": profile.id, "simulated": profile.simulated, "files": [str(path) for path in written]})
    else:
        show(f"{len(written)} dashboards of {profile.name.in_language(language)} written to {folder}")
