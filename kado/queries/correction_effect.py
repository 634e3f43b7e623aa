"""What a correction will change, before it is written."""

from dataclasses import dataclass, replace
from typing import Any

from analytics.availability import counted_part
from analytics.effects import Effect
from analytics.findings import Findings, join
from analytics.window import OUTAGE_FOLLOWED_NS
from facility.corrections import BEAM_ASSERTIONS, Correction, check_correction
from facility.definition import Definition, load_definition
from facility.errors import CorrectionError, PeriodError
from facility.interval import Intervals
from facility.period import Period, day_of, month_of
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Plan
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, Clock, format_second, parse_time, system_clock
from kado.config import Configuration
from kado.language import tr
from kado.output import stretch
from kado.queries.availability import load_availability
from kado.queries.evidence import extent_of
from kado.queries.figure_notes import effect_document
from kado.queries.figures_by_day import DAYS_TOGETHER
from kado.queries.findings_by_day import Days
from kado.queries.identity import identity
from kado.queries.period_pieces import Progress
from kado.queries.record import load_record
from kado.stores import open_store


class LongCorrectionError(CorrectionError):
    """A correction that is too long for its effect to be computed; it may be recorded all the same."""


@dataclass(frozen=True, slots=True)
class CorrectionPreview:
    """A correction that is not written yet, and what it will change."""

    profile: Profile
    definition: Definition
    correction: Correction
    counted: Period
    """What was counted with it and without it: whole days around it."""
    effect: Effect
    warnings: tuple[str, ...]
    """Why it may be a mistake."""


def preview_correction(
    configuration: Configuration,
    new: Correction,
    definition: str | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> CorrectionPreview:
    """Count the days around a correction with it and without it.

    Parameters
    ----------
    progress
        Called before each month; what it raises ends the work.

    Raises
    ------
    LongCorrectionError
        If it states the beam for longer than an outage is followed.
    CorrectionError
        If it says nothing, contradicts or repeats one in force, or its time has neither a plan nor a sample.
    """
    profile, now_ns = configuration.profile, clock()
    chosen = load_definition(definition or profile.definition, configuration.folder)
    record = load_record(configuration)
    check_correction(new, (*record.corrections, *record.awaiting), profile.zone)
    _check_comparable(new, profile)
    first = day_of(new.start_ns, profile.zone).start_ns
    last = max(day_of(max(new.end_ns - 1, new.start_ns), profile.zone).end_ns, new.end_ns)
    part = counted_part(profile, Period("days around the correction", first, last), now_ns)
    with open_store(configuration) as store:
        try:
            extent = extent_of(store, profile)
        except PeriodError:
            extent = (now_ns, now_ns)
        days = Days(configuration, store, chosen, extent, days_together=DAYS_TOGETHER)
        pieces = _months_of(part, profile)
        found: list[Findings] = []
        for corrections in (record.corrections, (*record.corrections, new)):
            days.learn(replace(record, corrections=corrections))
            listed: list[Findings] = []
            for piece in pieces:
                if progress is not None:
                    progress(len(found) * len(pieces) + len(listed), 2 * len(pieces))
                listed.append(days.findings(piece, now_ns))
            found.append(join(listed, part.id))
        sampled = any(len(s) for s in store.read_chunks(profile.delivery_signal, new.start_ns, new.end_ns))
    effect = Effect.between(*found)
    return CorrectionPreview(
        profile, chosen, new, part, effect, _warnings(profile, days.plan, new, effect, sampled=sampled)
    )


def _check_comparable(new: Correction, profile: Profile) -> None:
    """Refuse to compare what states the beam for longer than an outage is followed: its events could not be counted."""
    if new.assertion in BEAM_ASSERTIONS and new.end_ns - new.start_ns > OUTAGE_FOLLOWED_NS:
        raise LongCorrectionError(
            Sentence(
                "{start} to {end} is longer than {days} days, the most for which it is computed what a statement of the"
                " beam changes: check the year, or record it in parts",
                start=format_second(new.start_ns, profile.zone),
                end=format_second(new.end_ns, profile.zone),
                days=OUTAGE_FOLLOWED_NS // NS_PER_DAY,
            )
        )


def _months_of(part: Period, profile: Profile) -> list[Period]:
    """Return a stretch of time cut where months begin."""
    pieces: list[Period] = []
    at = part.start_ns
    while at < part.end_ns:
        end = min(month_of(at, profile.zone).end_ns, part.end_ns)
        pieces.append(Period(part.id, at, end))
        at = end
    return pieces


def _warnings(profile: Profile, plan: Plan, new: Correction, effect: Effect, *, sampled: bool) -> tuple[str, ...]:
    planned = bool(plan.intervals(*PLANNED_CATEGORIES).clip(new.start_ns, new.end_ns))
    if not planned and not sampled:
        raise CorrectionError(
            Sentence(
                "{start} to {end} has neither a sample of {signal} nor a plan: nothing depends on a correction there;"
                " check the dates, or import samples or the schedule first",
                start=format_second(new.start_ns, profile.zone),
                end=format_second(new.end_ns, profile.zone),
                signal=profile.delivery_signal,
            )
        )
    warnings: list[str] = []
    when = stretch(new.start_ns, new.end_ns, profile.zone)
    if not planned:
        warnings.append(tr("nothing is planned from {when}: no figure depends on it", when=when))
    elif not (plan.user_time & Intervals.of([(new.start_ns, new.end_ns)])):
        warnings.append(tr("{when} is not user time: no figure depends on it", when=when))
    if not sampled:
        signal = profile.delivery_signal
        warnings.append(tr("the store holds no sample of {signal} from {when}", signal=signal, when=when))
    if effect.is_nothing:
        warnings.append(tr("it changes nothing by definition {definition}", definition=profile.definition))
    return tuple(warnings)


def find_event(configuration: Configuration, event_id: str, definition: str | None = None) -> tuple[int, int]:
    """Return the start and end of an event by the id that ``kado events`` prints.

    Raises
    ------
    CorrectionError
        If there is no event of that id.
    """
    stamp = event_id.rpartition("-")[2]
    profile = configuration.profile
    if len(stamp) == len("20250512T170000Z") and stamp.endswith("Z"):
        text = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:15]}Z"
        day = day_of(parse_time(text), profile.zone)
        loaded = load_availability(configuration, day, definition)
        for reported in loaded.availability.events:
            if reported.event.id(profile.id) == event_id:
                return reported.event.start_ns, reported.event.end_ns
    raise CorrectionError(
        Sentence("there is no event {id!r}: 'kado events --format json' prints the ids of a period", id=event_id)
    )


def preview_document(preview: CorrectionPreview) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        **identity(preview.profile, definition=preview.definition.id, period=preview.counted),
        "changes": effect_document(preview.effect),
        "warnings": list(preview.warnings),
    }
