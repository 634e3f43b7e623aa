"""``kado store verify``."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from facility.errors import ProblemFoundError
from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.output import print_json, show, title
from kado.rounding import size
from kado.service.verifying import Verdict, verdict_document, verify_store


def store_verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also compute all minutes again and compare; check every row and index.")
    ] = False,
    repair_rollup: Annotated[
        bool,
        typer.Option(
            "--repair-rollup", help="Rebuild wrong minutes from their samples; only while kado is not running."
        ),
    ] = False,
    accept_rows: Annotated[
        bool,
        typer.Option("--accept-rows", help="Accept rows that have changed on the disk as they are; when no kado runs."),
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Check that all stored data is complete and readable.

    Reads every sealed file, checks both databases, and compares the ledger with the store. Works while kado
    runs. Deletes nothing. Ends with 1 if there is a problem, and names each file and the remedy.

    \b
    Examples:
      kado store verify
      kado store verify --deep
      kado store verify --repair-rollup
    """
    configuration = load_configuration(config)
    verdict = verify_store(configuration, system_clock, deep=deep, repair_rollup=repair_rollup, accept_rows=accept_rows)
    if output is Format.JSON:
        print_json(verdict_document(configuration.profile, verdict))
    else:
        show(*verdict_lines(configuration.profile, verdict))
    if verdict.findings:
        raise ProblemFoundError(
            trn("{n} problem found in the store", "{n} problems found in the store", len(verdict.findings))
        )


def verdict_lines(profile: Profile, verdict: Verdict) -> list[RenderableType]:
    """Return what was looked at, and each finding with its remedy."""
    lines: list[RenderableType] = [title(profile, tr("store verify"))]
    seen = verdict.verified
    if seen.files:
        samples = trn("{n} sample", "{n} samples", seen.samples)
        if verdict.deep:
            samples = tr("{samples} and their minutes", samples=samples)
        lines.append(
            trn(
                "checked {n} sealed file: {samples}, {size}",
                "checked {n} sealed files: {samples}, {size}",
                seen.files,
                samples=samples,
                size=size(seen.bytes),
            )
        )
        lines.append(tr("checked telemetry.db, journal.db and the ledger"))
    else:
        lines.append(tr("checked telemetry.db, journal.db and the ledger; there are no sealed files"))
    if verdict.repaired:
        lines.append(
            trn(
                "rebuilt the minutes of {n} file from its samples",
                "rebuilt the minutes of {n} files from their samples",
                verdict.repaired,
            )
        )
    if verdict.accepted:
        lines.append(
            trn(
                "accepted the changed rows of {n} day as they are",
                "accepted the changed rows of {n} days as they are",
                verdict.accepted,
            )
        )
    if not verdict.findings:
        return [*lines, tr("no problem found")]
    for finding in verdict.findings:
        lines += [
            "",
            Text(finding.file, style="bold"),
            f"  {finding.what}",
            tr("  remedy: {remedy}", remedy=finding.remedy),
        ]
    return lines
