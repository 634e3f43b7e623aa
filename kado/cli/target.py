"""``kado target``."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from analytics.target import TargetRun
from facility.time import NS_PER_DAY, to_datetime
from kado.cli.as_of import as_of
from kado.cli.command import AsKnownOnOption, AsPublishedOnOption, ConfigOption, DefinitionOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import term, tr, trn
from kado.output import local, print_json, show, title
from kado.progress import progress_bar
from kado.queries.target import TimeToTarget, load_time_to_target, target_document
from kado.rounding import percent


def target(
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Report how long it took to run one whole block at the target.

    From the start of operation to the first user, study or tuning block with the beam at the target for the
    share of time that stable_at_pct of the profile requires. At the target means: not further below it than the
    recovered limit is below nominal.

    \b
    Example:
      kado target
    """
    configuration, when = load_configuration(config), as_of(as_known_on, as_published_on)
    with progress_bar(tr("looking at blocks"), 1) as bar:
        found = load_time_to_target(configuration, definition, when, progress=bar.advance_through)
    if output is Format.JSON:
        print_json(target_document(found))
    else:
        show(*time_to_target(found))


def time_to_target(found: TimeToTarget) -> list[RenderableType]:
    """Return when the target was first reached in a stable block, and how long that took."""
    profile, zone = found.profile, found.profile.zone
    rows = Table.grid(padding=(0, 2))
    rows.add_row(tr("Target"), f"{found.target:g} {profile.delivery.unit}")
    rows.add_row(tr("Operation since"), local(found.started_ns, zone)[:10])
    stable = tr("{share:g} % of a block", share=profile.stable_at_pct)
    if found.first is None:
        rows.add_row(tr("Reached"), _not_reached(stable, found.blocks))
        if found.best is not None:
            rows.add_row(tr("Nearest"), _block(found, found.best))
    else:
        rows.add_row(tr("Reached"), Text(_length(found), style="bold"))
        days = (found.first.block.end_ns - found.started_ns) / NS_PER_DAY
        rows.add_row("", tr("to the start of the first stable block; to its end {days:,.1f} days", days=days))
        rows.add_row(tr("First block"), _block(found, found.first))
        level = f"{found.first.level:g} {profile.delivery.unit}"
        rows.add_row("", tr("at or above {level} for at least {stable}", level=level, stable=stable))
    return [title(profile, tr("time to target")), rows]


def _block(found: TimeToTarget, run: TargetRun) -> str:
    block, zone = run.block, found.profile.zone
    return tr(
        "{category} {start} to {end}, {share} % of it",
        category=term(block.category.value),
        start=local(block.start_ns, zone)[:16],
        end=local(block.end_ns, zone)[:16],
        share=percent(run.surely_pct),
    )


def _length(found: TimeToTarget) -> str:
    """Return the time as people say it: whole years, then days."""
    assert found.first is not None
    zone = found.profile.zone
    start, end = to_datetime(found.started_ns, zone), to_datetime(found.first.block.start_ns, zone)
    years = end.year - start.year - ((end.month, end.day) < (start.month, start.day))
    birthday = start.replace(year=start.year + years) if (start.month, start.day) != (2, 29) else start
    days = (end - birthday).days
    counted = [trn("{n} year", "{n} years", years)] if years else []
    counted += [trn("{n} day", "{n} days", days)] if days else []
    return " ".join(counted) or tr("immediately")


def _not_reached(stable: str, blocks: int) -> str:
    return trn(
        "not yet for {stable}; {n} block examined", "not yet for {stable}; {n} blocks examined", blocks, stable=stable
    )
