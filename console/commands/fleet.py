"""``kado fleet``: many facilities and periods at once."""

from typing import Annotated

import typer

from console.command import AsKnownOnOption, Format, FormatOption, command


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
        typer.Option("--definition", "-d", help="Rules of counting; without it each facility's own. Repeatable."),
    ] = None,
    as_known_on: AsKnownOnOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, help="Processes of this machine; without it this one.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="tcp://HOST:8786", help="Scheduler of a Dask cluster, instead of --workers."),
    ] = None,
    digits: Annotated[int, typer.Option("--digits", min=0, max=6, help="Decimals of a percentage.")] = 1,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Say how available the beam was, of many facilities and periods.

    The figures are those of 'kado availability', the same whoever computes them. What fails is listed with its
    error, the others are computed, and the exit code is 1.

    \b
    Examples:
      kado fleet figures --config 'fleet/*/kado.toml' --period FY2024 --period FY2025 --workers 8
      kado fleet figures -c a/kado.toml -c b/kado.toml -p FY2025 --cluster tcp://head:8786 --format json
    """
    from console.executors import cluster as on_cluster
    from console.executors import processes, this_process
    from console.fleet import Outcome, compute_all, pieces
    from console.output import print_json, show
    from console.progress import progress_bar
    from console.views.fleet import fleet
    from facility.errors import ProblemFoundError, UsageError

    if workers is not None and cluster is not None:
        raise UsageError("--workers and --cluster contradict each other: a cluster has its own workers; leave one out")
    work = pieces(config, period, definition or (), as_known_on)
    if cluster is not None:
        runner = on_cluster(cluster)
    else:
        runner = this_process() if workers is None else processes(workers)
    outcomes: list[Outcome] = []
    failed = 0
    with runner as run, progress_bar("figures", len(work)) as bar:
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
        raise ProblemFoundError(f"{failed} of {len(work)} pieces failed; the others are as they should be")


app = typer.Typer(
    help="Many facilities and periods at once 複数施設.",
    epilog="Example: kado fleet figures --config 'fleet/*/kado.toml' --period FY2025",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.command("figures")(command(fleet_figures))
