"""``kado store seal`` and ``compact``."""

from typing import Annotated

import typer
from rich.console import RenderableType

from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.output import local, print_json, show, title
from kado.rounding import size
from kado.service.sealing import SealedBefore, compact_before, seal_before, sealed_document

BeforeOption = Annotated[
    str | None,
    typer.Option(help="Only days that end at or before this time; default: store.seal_after_days ago."),
]


def seal(before: BeforeOption = None, config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Seal past days, as kado run does.

    Writes them to Parquet files. Only while kado is not running. Days are UTC days. Late samples are merged
    into their days.

    \b
    Examples:
      kado store seal
      kado store seal --before 2026-11-01T00:00:00Z
    """
    configuration = load_configuration(config)
    done = seal_before(configuration, before, system_clock)
    if output is Format.JSON:
        print_json(sealed_document(configuration.profile, done))
    else:
        show(*sealed_lines(configuration.profile, done, tr("sealing")))


def compact(before: BeforeOption = None, config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Merge the sealed files of past months.

    Only while kado is not running; kado run does it every hour. A single file of a month is not changed, so a
    repetition does nothing.

    \b
    Examples:
      kado store compact
      kado store compact --before 2026-11-01T00:00:00Z
    """
    configuration = load_configuration(config)
    done = compact_before(configuration, before, system_clock)
    if output is Format.JSON:
        print_json(sealed_document(configuration.profile, done))
    else:
        show(*sealed_lines(configuration.profile, done, tr("merging of months")))


def sealed_lines(profile: Profile, sealed: SealedBefore, what: str) -> list[RenderableType]:
    """Return it in a few lines; `what` was done."""
    done = sealed.done
    lines: list[RenderableType] = [title(profile, what)]
    until = local(sealed.before_ns, profile.zone, offset=True)
    if not done.files and not done.rows_deleted:
        return [*lines, tr("nothing to do up to {time}", time=until)]
    written = trn(
        "{samples} in {n} file, {size}, up to {time}",
        "{samples} in {n} files, {size}, up to {time}",
        done.files,
        samples=trn("{n} sample", "{n} samples", done.samples),
        size=size(done.bytes),
        time=until,
    )
    lines.append(written)
    if done.rows_deleted:
        deleted = trn(
            "{n} row deleted from telemetry.db; its space is reused",
            "{n} rows deleted from telemetry.db; their space is reused",
            done.rows_deleted,
        )
        lines.append(deleted)
    return lines
