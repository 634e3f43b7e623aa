"""What a correction does to the figure of each month that it touches, by each definition, before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analytics.availability import Availability
from facility.corrections import Correction
from facility.definition import Definition, load_definition, own_definitions, shipped_definitions
from facility.errors import KadoError
from facility.period import Period, month_of
from facility.time import Clock, system_clock
from kado.config import Configuration
from kado.queries.figures_by_day import FiguresByDay
from kado.queries.period_pieces import Progress
from kado.queries.record import AsOf, Record, load_record
from kado.stores import open_store


@dataclass(frozen=True, slots=True)
class MonthEffect:
    """One month by one definition, without a change of the record and with it."""

    month: Period
    definition: Definition
    before: Availability | None
    """None: the month has no figure."""
    after: Availability | None

    @property
    def is_changed(self) -> bool:
        """Whether availability, failures, or an account differ."""
        a, b = self.before, self.after
        if a is None or b is None:
            return a is not b
        return (a.figures, a.counts, a.accounts) != (b.figures, b.counts, b.accounts)


@dataclass(frozen=True, slots=True)
class _Change:
    before: Record
    after: Record
    of: Correction


def all_definitions(configuration: Configuration) -> list[Definition]:
    """Return every definition that there is, the facility's own first."""
    own = configuration.profile.definition
    names = {*shipped_definitions(), *own_definitions(configuration.folder)} - {own}
    return [load_definition(name, configuration.folder) for name in (own, *sorted(names))]


def effect_of_correction(
    configuration: Configuration,
    new: Correction,
    definitions: Sequence[Definition] | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> list[MonthEffect]:
    """Return what a correction would do, as if it counted at once.

    Parameters
    ----------
    definitions
        None: all that there are.
    progress
        Called before each month; what it raises ends the work.
    """
    record = load_record(configuration)
    return _effects(configuration, _Change(record, _with(record, new), new), definitions, clock, progress)


def effect_of_withdrawal(
    configuration: Configuration,
    correction_id: int,
    definitions: Sequence[Definition] | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> list[MonthEffect]:
    """Return what a withdrawal would do; nothing for a correction that is not in force."""
    record = load_record(configuration)
    of = next((c for c in record.corrections if c.id == correction_id), None)
    if of is None:
        return []
    without = replace(record, corrections=tuple(c for c in record.corrections if c.id != correction_id))
    return _effects(configuration, _Change(record, without, of), definitions, clock, progress)


def effect_of_confirmation(
    configuration: Configuration,
    correction_id: int,
    definitions: Sequence[Definition] | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> list[MonthEffect]:
    """Return what a confirmation would do; nothing for a correction that awaits none."""
    record = load_record(configuration)
    of = next((c for c in record.awaiting if c.id == correction_id), None)
    if of is None:
        return []
    return _effects(configuration, _Change(record, _with(record, of), of), definitions, clock, progress)


def _with(record: Record, new: Correction) -> Record:
    counting = (*record.corrections, new)
    return replace(record, corrections=tuple(sorted(counting, key=lambda c: (c.start_ns, c.id))))


def _effects(
    configuration: Configuration,
    change: _Change,
    definitions: Sequence[Definition] | None,
    clock: Clock,
    progress: Progress | None,
) -> list[MonthEffect]:
    of = change.of
    now_ns, zone = clock(), configuration.profile.zone
    months = [month_of(of.start_ns, zone)]
    while months[-1].end_ns < min(of.end_ns, now_ns):
        months.append(month_of(months[-1].end_ns, zone))
    found: list[MonthEffect] = []
    chosen = all_definitions(configuration) if definitions is None else definitions
    done, whole = 0, 2 * len(months) * len(chosen)

    def figure(figures: FiguresByDay, month: Period) -> Availability | None:
        nonlocal done
        if progress is not None:
            progress(done, whole)
        done += 1
        return _availability(figures, month)

    as_of = AsOf(now_ns, is_now=True)
    with open_store(configuration) as store:
        for definition in chosen:
            figures = FiguresByDay(configuration, store, definition, change.before, as_of, now_ns)
            first = [figure(figures, month) for month in months]
            # Only the days that the change touches are counted again.
            figures.learn(change.after)
            found += [
                MonthEffect(month, definition, one, figure(figures, month))
                for month, one in zip(months, first, strict=True)
            ]
    return found


def _availability(figures: FiguresByDay, month: Period) -> Availability | None:
    try:
        return figures.availability(month)
    except KadoError:
        return None


def effects_document(effects: Sequence[MonthEffect]) -> list[dict[str, Any]]:
    """Return the same for programs."""
    return [
        {
            "period": e.month.id,
            "definition": e.definition.id,
            "changed": e.is_changed,
            "before": _figures(e.before),
            "after": _figures(e.after),
        }
        for e in effects
    ]


def _figures(found: Availability | None) -> dict[str, Any] | None:
    if found is None:
        return None
    f = found.figures
    return {
        "availability_pct": f.availability_pct,
        "availability_lower_pct": f.availability_lower_pct,
        "availability_upper_pct": f.availability_upper_pct,
        "availability_without_excluded_pct": f.availability_without_excluded_pct,
        "coverage_pct": f.coverage_pct,
        "mtbf_h": f.mtbf_h,
        "failures": found.counts.failures,
        "trips": found.counts.trips,
        "low_beam": found.counts.low_beam,
    }
