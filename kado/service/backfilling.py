"""Fills the gaps of a period from an archive, and says which figures that opens again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from collector.sources.archiver.backfill import BackfillProgress, SignalFilled, backfill
from collector.sources.archiver.spec import ArchiverSource
from facility.errors import UsageError
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import Clock, format_time, to_datetime, to_ns, to_s
from kado.config import Configuration
from kado.language import tr
from kado.progress import progress_bar
from kado.queries.availability import load_availability
from kado.queries.identity import identity
from kado.queries.record import load_plan
from kado.service.backfill_desk import ask_service
from kado.service.importing import forward_waiting
from kado.stores import running_pid
from kado.writers import make_landing


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What was asked for, what came, and what that changes."""

    source: str
    archive: str
    period: Period
    ranges: Intervals
    """What was to be filled."""
    signals: tuple[SignalFilled, ...]
    """Empty where nothing was fetched."""
    unknown_before_ns: int
    """Unknown user time of the period."""
    unknown_after_ns: int | None
    """None where nothing was fetched."""
    availability_before_pct: float | None
    availability_after_pct: float | None
    reopened: tuple[str, ...]
    """Periods whose figures have changed or may have: days, months, quarters, years, fiscal years, runs."""


def backfill_period(
    configuration: Configuration,
    period: str,
    clock: Clock,
    *,
    source_id: str | None = None,
    signals: Sequence[str] = (),
    whole: bool = False,
    again: bool = False,
    dry_run: bool = False,
) -> Backfilled:
    """Fill the unknown user time of a period, or all of it, with a progress bar.

    Parameters
    ----------
    signals
        Only these; none: all that the archive's source maps.
    whole
        Ask for the whole period, not just for its gaps.
    again
        Ask also for what an earlier run has fetched.
    dry_run
        Fetch nothing.

    Raises
    ------
    UsageError
        If there is no such source, or it does not map a signal.
    UnreachableError
        If the archive does not answer, or the service that runs ends; what was fetched until then is stored.
    """
    source = _source(configuration, source_id)
    if strange := [name for name in signals if name not in source.signals]:
        raise UsageError(
            Sentence(
                "source {source} maps no signal {strange!r}; it maps {signals}",
                source=source.id,
                strange=strange[0],
                signals=", ".join(source.signals),
            )
        )
    before = load_availability(configuration, period, clock=clock)
    part = before.part
    # What the last sample before a gap stood for was not seen either: a loss of beam may have begun there.
    hold_ns = configuration.profile.delivery.stale_after_ns or to_ns(10.0)
    gaps = before.availability.unknown
    ranges = Intervals.of([(part.start_ns, part.end_ns)] if whole else [(start - hold_ns, end) for start, end in gaps])
    unknown_ns = before.availability.accounts.unknown
    figure = before.availability.figures.availability_pct
    nothing = Backfilled(source.id, source.url, part, ranges, (), unknown_ns, None, figure, None, ())
    if dry_run or not ranges:
        return nothing
    with progress_bar(tr("from {source}", source=source.id), 1) as bar:

        def show(done: BackfillProgress) -> None:
            said = tr("{signal}: {samples:,} samples", signal=done.signal, samples=done.samples)
            bar.advance_to(int(done.done * 1000), said, 1000)

        filled = _fill(configuration, source, ranges, clock, signals or None, again=again, progress=show)
    after = load_availability(configuration, period, clock=clock)
    return Backfilled(
        source.id,
        source.url,
        part,
        ranges,
        filled,
        unknown_ns,
        after.availability.accounts.unknown,
        figure,
        after.availability.figures.availability_pct,
        reopened(configuration, Intervals.of([piece for one in filled for piece in one.filled])),
    )


def _fill(
    configuration: Configuration,
    source: ArchiverSource,
    ranges: Intervals,
    clock: Clock,
    signals: Sequence[str] | None,
    *,
    again: bool,
    progress: Callable[[BackfillProgress], None],
) -> tuple[SignalFilled, ...]:
    """Fill ranges: by the service where one runs, which alone may write, else in this process."""
    if running_pid(configuration) is not None:
        return ask_service(configuration, source, ranges, signals, again=again, progress=progress)
    with make_landing(configuration, clock) as landing:
        filled = backfill(
            source, configuration.profile, ranges, landing, configuration.data_dir, clock,
            signals=signals, again=again, progress=progress,
        )  # fmt: skip
    forward_waiting(configuration, clock)
    return filled


def reopened(configuration: Configuration, filled: Intervals) -> tuple[str, ...]:
    """Return the periods that hold any of `filled`: runs, then fiscal years down to days."""
    profile = configuration.profile
    found: dict[str, set[str]] = {name: set() for name in ("fiscal", "year", "quarter", "month", "day")}
    for start_ns, end_ns in filled:
        first, last = to_datetime(start_ns, profile.zone).date(), to_datetime(end_ns - 1, profile.zone).date()
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            day = first.fromordinal(ordinal)
            fiscal = day.year - (day.month < profile.fiscal_year_starts_in)
            found["fiscal"].add(f"FY{fiscal}")
            found["year"].add(f"{day.year}")
            found["quarter"].add(f"{day.year}Q{(day.month + 2) // 3}")
            found["month"].add(f"{day.year}-{day.month:02}")
            found["day"].add(day.isoformat())
    runs = [
        f"run:{name}" for name, (start, end) in load_plan(configuration).runs.items() if filled.clip(start, end).total
    ]
    return (*runs, *(name for names in found.values() for name in sorted(names)))


def _source(configuration: Configuration, source_id: str | None) -> ArchiverSource:
    archives = [source for source in configuration.sources if isinstance(source, ArchiverSource)]
    if not archives:
        raise UsageError(
            Sentence(
                "no archive is configured: add a [[source]] of kind 'archiver' to kado.toml (docs/how-to/fill-gaps.md)"
            )
        )
    names = ", ".join(source.id for source in archives)
    if source_id is None and len(archives) > 1:
        raise UsageError(
            Sentence("there are several archives: say which with --source; there are {names}", names=names)
        )
    for source in archives:
        if source_id in (None, source.id):
            return source
    raise UsageError(
        Sentence("no archive is called {source_id!r}; there are {names}", source_id=source_id, names=names)
    )


def backfilled_document(profile: Profile, done: Backfilled) -> dict[str, Any]:
    """Return the same for programs."""
    zone = profile.zone

    def time_or_none(ns: int | None) -> str | None:
        return None if ns is None else format_time(ns, zone)

    return {
        **identity(profile, period=done.period),
        "source": done.source,
        "archive": done.archive,
        "ranges": [{"start": format_time(s, zone), "end": format_time(e, zone)} for s, e in done.ranges],
        "signals": [
            {k: v for k, v in asdict(one).items() if k not in ("filled", "first_ns", "last_ns", "resumed")}
            | {"first": time_or_none(one.first_ns), "last": time_or_none(one.last_ns)}
            for one in done.signals
        ],
        "unknown_s": {
            "before": to_s(done.unknown_before_ns),
            "after": None if done.unknown_after_ns is None else to_s(done.unknown_after_ns),
        },
        "availability_pct": {"before": done.availability_before_pct, "after": done.availability_after_pct},
        "reopened": list(done.reopened),
    }
