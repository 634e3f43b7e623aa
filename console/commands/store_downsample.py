"""``kado store downsample``."""

from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


def downsample_store(
    signal: Annotated[list[str] | None, typer.Option(help="Only this signal. Repeatable; without it all.")] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make anew what was summed up already, whatever its marks say.")
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Sum up samples in InfluxDB, so that years are drawn fast.

    `kado run` does so on the hour; this does it now, beside it or without it. Only days that are over are summed up,
    and only those that were not yet, or that were written to since. Needs the bucket that kado store init makes.

    \b
    Examples:
      kado store downsample
      kado store downsample --signal stored_current --rebuild
    """
    from console.config import load_configuration
    from console.downsampling import downsample
    from console.output import print_json, show
    from console.progress import progress_bar
    from console.views.store_downsample import downsampled_document, downsampled_lines
    from facility.time import system_clock

    configuration = load_configuration(config)
    with progress_bar("summing up", 1) as bar:
        done = downsample(
            configuration,
            system_clock,
            signals=tuple(signal or ()),
            rebuild=rebuild,
            progress=lambda done, total, name: bar.advance_to(done, name, total),
        )
    if output is Format.JSON:
        print_json(downsampled_document(configuration.profile, done))
    else:
        show(*downsampled_lines(configuration.profile, done))
