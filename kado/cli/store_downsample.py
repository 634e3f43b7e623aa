"""``kado store downsample``."""

from typing import Annotated

import typer
from rich.console import RenderableType

from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.output import print_json, show, title
from kado.progress import progress_bar
from kado.service.upkeep import downsampled_document
from storage.upkeep import Downsampled


def downsample_store(
    signal: Annotated[list[str] | None, typer.Option(help="Only this signal. Repeatable; default: all.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Aggregate again what was aggregated before.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Build 1-minute aggregates for fast long-range plots.

    'kado run' does this every hour; this command does it now, also while kado runs. Only past days are
    aggregated that are new or were written to since. Needs the bucket that 'kado store init' creates.

    \b
    Examples:
      kado store downsample
      kado store downsample --signal stored_current --rebuild
    """
    configuration = load_configuration(config)
    with progress_bar(tr("aggregating"), 1) as bar:
        done = configuration.backend.downsample(
            system_clock,
            signals=tuple(signal or ()),
            rebuild=rebuild,
            progress=lambda done, total, name: bar.advance_to(done, name, total),
        )
    if output is Format.JSON:
        print_json(downsampled_document(configuration.profile, done))
    else:
        show(*downsampled_lines(configuration.profile, done))


def downsampled_lines(profile: Profile, done: Downsampled) -> list[RenderableType]:
    """Return what was done, and what has to wait."""
    what = tr(
        "{days} of {signals} aggregated to {minutes}",
        days=trn("{n} day", "{n} days", done.days),
        signals=trn("{n} signal", "{n} signals", done.signals),
        minutes=trn("{n} minute", "{n} minutes", done.minutes),
    )
    lines: list[RenderableType] = [title(profile, what)]
    if done.waiting:
        waiting = trn(
            "{n} day has samples that were written less than five minutes ago; repeat later, or leave it to kado run",
            "{n} days have samples that were written less than five minutes ago; repeat later, or leave it to kado run",
            done.waiting,
        )
        lines.append(waiting)
    return lines
