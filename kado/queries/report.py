"""Everything that the report of a period is made from: read once, then shown in five forms and two languages."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from analytics.conditions import Kind
from analytics.gaps import Gaps
from collector.ledger import SourceTotals, read_ledger
from facility.errors import AlarmRuleError, KadoError, PeriodError, ProfileError
from facility.incidents import Sharing
from facility.neighbouring_periods import period_before, same_period_last_year
from facility.period import Period, fiscal_year_of, month_of
from facility.time import NS_PER_DAY, Clock, format_time, local_midnight, system_clock, to_datetime
from kado.config import Configuration
from kado.queries.alarm_report import AlarmReport, alarm_report_document, load_alarm_report
from kado.queries.availability import AvailabilityReport
from kado.queries.availability_document import availability_document
from kado.queries.beamlines import BeamlineReport, beamlines_document, beamlines_of
from kado.queries.calendar import kinds_of_time
from kado.queries.downtime_budget import budget_of
from kado.queries.drawn_kinds import drawn_kinds
from kado.queries.events import incidents_behind
from kado.queries.explanation import gaps_document, gaps_in
from kado.queries.figures_by_day import FiguresByDay, open_figures
from kado.queries.identity import identity, period_document
from kado.queries.incidents import pareto_document, shares
from kado.queries.other_facilities import FacilityBeside, facility_figure_notes_document, load_facilities_beside
from kado.queries.period_pieces import Progress
from kado.queries.record import load_record
from kado.queries.reliability import ReliabilityReport, reliability_document, reliability_of
from kado.queries.target import TimeToTarget, load_time_to_target, target_document
from storage.data_dir import DataDir
from storage.store import Buckets

LONG_NS: Final = 45 * NS_PER_DAY
"""Longer periods show their months, and a calendar of months by days."""
POINTS: Final = 1_000
"""Of the delivery signal's chart."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A period that the reported one is laid beside."""

    role: str
    """``before``, ``last_year``, ``year_to_date`` or ``month``."""
    period: Period
    loaded: AvailabilityReport | None
    """None where it has no figure."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of one local day with one state."""

    day: date
    start_h: float
    """Hours of the local day, 0 to 24."""
    end_h: float
    kind: str
    """A category of the plan, or of user time: delivered, low_beam, no_beam, unknown, planned (not over yet)."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictured:
    """What the charts of a period over time show."""

    loaded: AvailabilityReport
    buckets: Buckets
    """Of the delivery signal."""
    cells: tuple[Cell, ...]

    @property
    def is_long(self) -> bool:
        """Whether months are shown, and a calendar of months by days."""
        return self.loaded.availability.period.length_ns > LONG_NS


@dataclass(frozen=True, slots=True)
class Provenance:
    """From what a report was made: enough to say later whether it would come out the same."""

    kado_version: str
    profile_digest: str
    definition_digest: str
    schedule_digest: str
    schedule_published_at_ns: int | None
    """Of the newest version that has a part in it."""
    journal_digest: str
    """Of the corrections and incidents in force."""
    data_digest: str
    """Of the delivery signal in the period: 1,000 buckets with minimum, mean, maximum, last and count."""
    ledger: tuple[SourceTotals, ...]
    command: str
    """Reproduces the report."""


@dataclass(frozen=True, slots=True, eq=False)
class ReportInputs:
    """All that a report says, before it has a language."""

    configuration: Configuration
    loaded: AvailabilityReport
    beside: tuple[Beside, ...]
    months: tuple[Beside, ...]
    """Each month of a long period; empty for a month."""
    reliability: ReliabilityReport
    gaps: Gaps
    systems: dict[str, int]
    """Downtime by system, ns."""
    beamlines: BeamlineReport | None
    pictured: Pictured
    target: TimeToTarget | None
    """In the report of a year."""
    alarms: AlarmReport | None
    """None where this kado watches no alarms."""
    facilities: tuple[FacilityBeside, ...]
    """Others that ``[report] beside`` names, each by its own rules."""
    provenance: Provenance

    @property
    def is_year(self) -> bool:
        """Whether the period is long enough for milestones and peers."""
        return self.loaded.availability.period.length_ns > 300 * NS_PER_DAY


def load_report(
    configuration: Configuration,
    period: str,
    definition: str | None = None,
    as_known_on: str | None = None,
    *,
    clock: Clock = system_clock,
    early: Callable[[Pictured], None] | None = None,
    progress: Progress | None = None,
) -> ReportInputs:
    """Read and compute all that the report of a period says.

    Parameters
    ----------
    early
        Given what the first charts show as soon as it is known.
    progress
        Called with how much of each period that is read is done.

    Raises
    ------
    PeriodError, ProfileError, DefinitionError
        As `load_availability`.
    """
    with open_figures(configuration, definition, as_known_on, clock=clock, progress=progress) as figures:
        return _read(figures, figures.period(period), as_known_on, early)


def _read(
    figures: FiguresByDay, asked: Period, as_known_on: str | None, early: Callable[[Pictured], None] | None
) -> ReportInputs:
    configuration, profile = figures.configuration, figures.profile
    known_on = format_time(figures.known_on_ns)
    gaps: list[Gaps] = []
    loaded = figures.look_at(asked, lambda piece: gaps.append(gaps_in(piece, profile)))
    buckets = figures.store.buckets(profile.delivery_signal, asked.start_ns, loaded.part.end_ns, POINTS)
    pictured = Pictured(loaded, buckets, tuple(calendar_cells(loaded)))
    if early is not None:
        early(pictured)
    year = fiscal_year_of(loaded.part.end_ns - 1, profile.zone, profile.fiscal_year_starts_in)
    to_date = figures.report_or_none(Period(year.id, year.start_ns, loaded.part.end_ns))
    loaded = replace(loaded, budget=budget_of(profile, year, loaded.plan, to_date))
    return ReportInputs(
        configuration=configuration,
        loaded=loaded,
        beside=tuple(_beside(figures, asked, year, loaded.part)),
        months=tuple(_months(figures, loaded.part)) if pictured.is_long else (),
        reliability=reliability_of(figures, asked),
        gaps=Gaps.joined(gaps),
        systems=shares(loaded, Sharing.ROOT_CAUSE),
        beamlines=beamlines_of(configuration, loaded, figures.store) if profile.beamlines else None,
        pictured=pictured,
        target=_time_to_target(figures, loaded),
        alarms=_alarms(configuration, loaded),
        facilities=load_facilities_beside(configuration, asked.id, known_on, clock=lambda: figures.now_ns),
        provenance=_provenance(configuration, loaded, buckets, as_known_on),
    )


def _beside(figures: FiguresByDay, asked: Period, year: Period, part: Period) -> list[Beside]:
    """Return the periods that the reported one is laid beside."""
    profile = figures.profile
    others = [
        ("before", period_before(asked, profile.zone, profile.fiscal_year_starts_in)),
        ("last_year", same_period_last_year(asked, profile.zone)),
        ("year_to_date", Period(year.id, year.start_ns, part.end_ns) if asked.length_ns < year.length_ns else None),
    ]
    return [Beside(role, other, figures.report_or_none(other)) for role, other in others if other is not None]


def _months(figures: FiguresByDay, part: Period) -> list[Beside]:
    found: list[Beside] = []
    at = part.start_ns
    while at < part.end_ns:
        month = month_of(at, figures.profile.zone)
        found.append(Beside("month", month, figures.report_or_none(month)))
        at = month.end_ns
    return found


def _alarms(configuration: Configuration, loaded: AvailabilityReport) -> AlarmReport | None:
    """Return the figures of the alarm system; None where no alarms are watched, or their rules cannot be read."""
    if configuration.settings.alarms is None:
        return None
    until_ns = min(loaded.part.end_ns, loaded.as_known_on_ns)
    try:
        return load_alarm_report(configuration, loaded.availability.period, until_ns)
    except (AlarmRuleError, PeriodError):
        # `kado check` and `kado alarms rules` name what is wrong in the rules.
        return None


def _time_to_target(figures: FiguresByDay, loaded: AvailabilityReport) -> TimeToTarget | None:
    """Return the time to the target; None where the record begins long after operation did, and so may lack it."""
    started, zone = loaded.profile.operation_started, loaded.profile.zone
    if loaded.availability.period.length_ns < 300 * NS_PER_DAY or started is None:
        return None
    if figures.extent[0] > local_midnight(started, zone) + LONG_NS:
        return None
    known_on = format_time(loaded.as_known_on_ns)
    try:
        return load_time_to_target(figures.configuration, loaded.definition.id, known_on, clock=lambda: figures.now_ns)
    except (ProfileError, PeriodError):
        return None


def calendar_cells(loaded: AvailabilityReport) -> list[Cell]:
    """Return the period day by day: what was planned, and what came of user time; without gap or overlap.

    In the detail that a picture can show: see `drawn_kinds`.
    """
    period = loaded.availability.period
    kinds = drawn_kinds(kinds_of_time(loaded), period.start_ns, period.end_ns)
    cells = [c for kind, time in kinds.items() for start, end in time for c in _by_day(loaded, kind, start, end)]
    return sorted(cells, key=lambda c: (c.day, c.start_h, c.end_h))


def _by_day(loaded: AvailabilityReport, kind: str, start_ns: int, end_ns: int) -> list[Cell]:
    zone = loaded.profile.zone
    cells: list[Cell] = []
    at = start_ns
    while at < end_ns:
        day = to_datetime(at, zone).date()
        midnight, next_midnight = local_midnight(day, zone), local_midnight(date.fromordinal(day.toordinal() + 1), zone)
        until = min(end_ns, next_midnight)
        # A day of 23 or 25 hours is drawn as one of 24.
        length = next_midnight - midnight
        cells.append(Cell(day, 24.0 * (at - midnight) / length, 24.0 * (until - midnight) / length, kind))
        at = until
    return cells


def _provenance(
    configuration: Configuration, loaded: AvailabilityReport, buckets: Buckets, as_known_on: str | None
) -> Provenance:
    profile, period = loaded.profile, loaded.availability.period
    record = load_record(configuration, loaded.as_known_on_ns)
    blocks = [
        (p.block.start_ns, p.block.end_ns, p.block.category.value, p.cancelled)
        for p in loaded.plan.planned
        if p.block.start_ns < period.end_ns and period.start_ns < p.block.end_ns
    ]
    data = hashlib.sha256()
    for column in (buckets.start_ns, buckets.count, buckets.mean, buckets.min, buckets.max, buckets.last):
        data.update(np.ascontiguousarray(column).tobytes())
    touching = [c for c in record.corrections if c.start_ns < period.end_ns and period.start_ns < c.end_ns]
    return Provenance(
        kado_version=version("kado"),
        # When shifts begin decides on no figure.
        profile_digest=_digest(profile.model_dump(mode="json", exclude={"shifts"})),
        definition_digest=_digest(loaded.definition.model_dump(mode="json")),
        schedule_digest=_digest(blocks),
        schedule_published_at_ns=max((v.published_at_ns for v in record.versions), default=None),
        journal_digest=_digest([[asdict(c) for c in touching], [asdict(i) for i in loaded.incidents]]),
        data_digest=data.hexdigest()[:16],
        ledger=tuple(_ledger(configuration)),
        command=_command(loaded, as_known_on),
    )


def _ledger(configuration: Configuration) -> Sequence[SourceTotals]:
    if not DataDir(configuration.data_dir).telemetry.exists():
        return ()
    try:
        return read_ledger(configuration.data_dir).sources()
    except KadoError:
        return ()


def _digest(document: object) -> str:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _command(loaded: AvailabilityReport, as_known_on: str | None) -> str:
    known = format_time(loaded.as_known_on_ns, loaded.profile.zone) if as_known_on is None else as_known_on
    period = loaded.availability.period.id
    return f"kado report {period} --definition {loaded.definition.id} --as-known-on {known}"


def report_inputs_document(inputs: ReportInputs) -> dict[str, Any]:
    """Return the whole report for programs: the documents of its parts, each as its own command gives it."""
    loaded, zone = inputs.loaded, inputs.loaded.profile.zone
    p = inputs.provenance
    return {
        **identity(loaded.profile, definition=loaded.definition.id, period=loaded.availability.period),
        "as_known_on": format_time(loaded.as_known_on_ns, zone),
        "availability": availability_document(loaded),
        "beside": [_figure_notes_document(b, inputs) for b in inputs.beside],
        "months": [_figure_notes_document(b, inputs) for b in inputs.months],
        "reliability": reliability_document(inputs.reliability),
        "downtime_by_system": pareto_document(loaded, Sharing.ROOT_CAUSE),
        "gaps": gaps_document(loaded, inputs.gaps),
        "beamlines": None if inputs.beamlines is None else beamlines_document(inputs.beamlines),
        "target": None if inputs.target is None else target_document(inputs.target),
        "alarms": None if inputs.alarms is None else alarm_report_document(inputs.alarms),
        "facilities": [facility_figure_notes_document(found) for found in inputs.facilities],
        "provenance": {
            **{k: v for k, v in asdict(p).items() if k not in ("ledger", "schedule_published_at_ns")},
            "schedule_published_at": None
            if p.schedule_published_at_ns is None
            else format_time(p.schedule_published_at_ns, zone),
        },
    }


_NO_FIGURES: Final = ("as_known_on", "warnings", "cadence", "look_around_cut", "late_samples")
"""Parts of the document of an availability that say something about the figures, and are none."""


def figures_digest(inputs: ReportInputs) -> str:
    """Return the SHA-256 of the figures, events, downtime by system and corrections of the period itself."""
    document = report_inputs_document(inputs)
    figures = {name: document[name] for name in ("availability", "downtime_by_system")}
    figures["availability"] = {k: v for k, v in figures["availability"].items() if k not in _NO_FIGURES}
    figures["availability"] = _without_empty(figures["availability"])
    return hashlib.sha256(json.dumps(figures, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _without_empty(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says that nothing was confirmed: reports of a time without confirmations keep their digest."""
    kept = {k: v for k, v in document.items() if v or k not in ("awaiting_confirmation", "confirmed")}
    if isinstance(kept.get("corrections"), list):
        kept["corrections"] = [_without_empty(c) for c in kept["corrections"]]
    return kept


def _figure_notes_document(beside: Beside, inputs: ReportInputs) -> dict[str, Any]:
    found = beside.loaded
    return {
        "role": beside.role,
        "period": period_document(beside.period, inputs.loaded.profile.zone),
        "availability": None if found is None else availability_document(found),
    }


def awaiting_review(inputs: ReportInputs) -> list[str]:
    """Return the ids of failures without an incident, or with one that has no cause text."""
    waiting: list[str] = []
    for reported in inputs.loaded.availability.events:
        if reported.event.kind is Kind.NO_BEAM and not reported.trip:
            incidents = incidents_behind(reported, inputs.loaded)
            if not any(i.cause_text for i in incidents):
                waiting.append(reported.event.id(inputs.loaded.profile.id))
    return waiting
