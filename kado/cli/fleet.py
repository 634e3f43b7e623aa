"""``kado fleet``: many facilities and periods at once."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from facility.errors import ProblemFoundError, UsageError
from facility.sentence import Sentence
from kado.cli.command import AsKnownOnOption, Format, FormatOption
from kado.language import marked, tr, trn
from kado.output import print_json, show, simulated_mark, table
from kado.progress import progress_bar
from kado.queries.fleet import Outcome, compute_all, pieces
from kado.queries.fleet_workers import cluster as on_cluster
from kado.queries.fleet_workers import processes, this_process
from kado.rounding import NONE, count, hours, percent


def fleet_figures(
    config: Annotated[
        list[str],
        typer.Option(
            "--config", "-c", help="A kado.toml, or a quoted pattern such as 'fleet/*/kado.toml'. Repeatable."
        ),
    ],
    period: Annotated[list[str], typer.Option("--period", "-p", help="As in 'kado availability'. Repeatable.")],
    definition: Annotated[
        list[str] | None,
        typer.Option("--definition", "-d", help="Counting rules; default: those of each facility. Repeatable."),
    ] = None,
    as_known_on: AsKnownOnOption = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, help="Number of processes of this machine; default: this one only."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="tcp://HOST:8786", help="Scheduler of a Dask cluster, instead of --workers."),
    ] = None,
    digits: Annotated[int, typer.Option("--digits", min=0, max=6, help="Decimals of percentages.")] = 1,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Report the availability of many facilities and periods.

    The figures are those of 'kado availability', whichever process computes them. Failed calculations are
    listed with their errors, the others are completed, and the exit code is 1.

    \b
    Examples:
      kado fleet figures --config 'fleet/*/kado.toml' --period FY2024 --period FY2025 --workers 8
      kado fleet figures -c a/kado.toml -c b/kado.toml -p FY2025 --cluster tcp://head:8786 --format json
    """
    if workers is not None and cluster is not None:
        raise UsageError(
            Sentence("--workers and --cluster exclude each other: a cluster has its own workers; give one of them")
        )
    work = pieces(config, period, definition or (), as_known_on)
    if cluster is not None:
        runner = on_cluster(cluster)
    else:
        runner = this_process() if workers is None else processes(workers)
    outcomes: list[Outcome] = []
    failed = 0
    with runner as run, progress_bar(tr("figures"), len(work)) as bar:
        bar.advance_to(0)
        for outcome in compute_all(work, run):
            outcomes.append(outcome)
            failed += outcome.availability is None
            done = f"{len(outcomes):,} of {len(work):,}"
            bar.advance_to(len(outcomes), f"{done}, {failed:,} failed" if failed else done)
    if output is Format.JSON:
        print_json([outcome.document for outcome in outcomes])
    else:
        show(*fleet(outcomes, digits))
    if failed:
        raise ProblemFoundError(
            trn("{failed} of {n} calculation failed", "{failed} of {n} calculations failed; the others are complete",
                len(work), failed=count(failed))
        )  # fmt: skip


def fleet(outcomes: Sequence[Outcome], digits: int = 1) -> list[RenderableType]:
    """Return a line for each outcome, and the errors below."""
    simulated = [o.availability["simulated"] for o in outcomes if o.availability is not None]
    lines: list[RenderableType] = []
    if any(simulated):
        some = "" if all(simulated) else tr(": those marked with †")
        lines.append(Text(f" {simulated_mark()} ", style="bold black on yellow") + Text(some, style="none"))
    numbers = ["%", marked("lower"), marked("upper"), marked("known"), "N", "MTBF h"]
    rows = table(order=["facility", "period", "definition", *numbers], right=numbers)
    for outcome in outcomes:
        rows.add_row(*_row(outcome, digits, mark=any(simulated) and not all(simulated)))
    lines.append(rows)
    if any(o.availability is not None and o.availability["provisional"] for o in outcomes):
        lines.append(tr("* provisional"))
    failed = [o for o in outcomes if o.availability is None]
    if failed:
        lines.append("")
    return [*lines, *(Text(f"{o.piece.name}: {o.error}") for o in failed)]


def _row(outcome: Outcome, digits: int, *, mark: bool) -> list[str | Text]:
    piece, found = outcome.piece, outcome.availability
    if found is None:
        return [str(piece.configuration), piece.period, piece.definition or NONE, Text(tr("failed"), style="red")]
    figures = found["figures"]
    shown = ("availability_pct", "availability_lower_pct", "availability_upper_pct", "coverage_pct")
    return [
        found["facility"] + (" †" if mark and found["simulated"] else ""),
        piece.period + (" *" if found["provisional"] else ""),
        found["definition"],
        *(percent(figures[name], digits) for name in shown),
        count(found["counts"]["failures"]),
        hours(figures["mtbf_h"], 1),
    ]
