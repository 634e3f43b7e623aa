"""``kado store seal`` and ``compact``."""

from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption

BeforeOption = Annotated[
    str | None,
    typer.Option(help="Only days that end at or before this time; without it store.seal_after_days ago."),
]


def seal(before: BeforeOption = None, config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Seal days that are over, as kado run does.

    They become Parquet files. For when no kado runs. Days are UTC days. Late samples are merged into the days that
    they belong to.

    \b
    Examples:
      kado store seal
      kado store seal --before 2026-11-01T00:00:00Z
    """
    from console.care.sealing import seal_before
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.store_sealing import sealed_document, sealed_lines
    from facility.time import system_clock

    configuration = load_configuration(config)
    done = seal_before(configuration, before, system_clock)
    if output is Format.JSON:
        print_json(sealed_document(configuration.profile, done))
    else:
        show(*sealed_lines(configuration.profile, done, "sealing"))


def compact(before: BeforeOption = None, config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Merge the sealed files of months that are over.

    For when no kado runs, which does it every hour. Files that are alone in their month are left as they are, so
    doing it again does nothing.

    \b
    Examples:
      kado store compact
      kado store compact --before 2026-11-01T00:00:00Z
    """
    from console.care.sealing import compact_before
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.store_sealing import sealed_document, sealed_lines
    from facility.time import system_clock

    configuration = load_configuration(config)
    done = compact_before(configuration, before, system_clock)
    if output is Format.JSON:
        print_json(sealed_document(configuration.profile, done))
    else:
        show(*sealed_lines(configuration.profile, done, "merging of months"))
