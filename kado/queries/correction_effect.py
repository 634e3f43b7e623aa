"""What a correction will change, before it is written."""

from dataclasses import dataclass
from typing import Any

from analytics.availability import counted_part
from analytics.effects import Counted, Effect
from facility.corrections import Correction, check_correction
from facility.definition import Definition, load_definition
from facility.errors import CorrectionError, PeriodError
from facility.interval import Intervals
from facility.period import Period, day_of
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Plan
from facility.sentence import Sentence
from facility.time import Clock, format_second, parse_time, system_clock
from kado.config import Configuration
from kado.language import tr
from kado.output import stretch
from kado.queries.availability import load_availability
from kado.queries.evidence import extent_of, load_evidence
from kado.queries.figure_notes import effect_document
from kado.queries.identity import identity
from kado.queries.period_pieces import PeriodQuery, Progress, pieces_of, user_time_until
from kado.queries.record import AsOf, load_record
from kado.stores import open_store


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
        Called before each piece of the time; what it raises ends the work.

    Raises
    ------
    CorrectionError
        If it says nothing, contradicts or repeats one in force, or its time has neither a plan nor a sample.
    """
    profile, now_ns = configuration.profile, clock()
    chosen = load_definition(definition or profile.definition, configuration.folder)
    record = load_record(configuration)
    check_correction(new, (*record.corrections, *record.awaiting), profile.zone)
    first = day_of(new.start_ns, profile.zone).start_ns
    last = max(day_of(max(new.end_ns - 1, new.start_ns), profile.zone).end_ns, new.end_ns)
    days = Period("days around the correction", first, last)
    query = PeriodQuery(
        configuration, record, AsOf(now_ns, is_now=True), now_ns, days, counted_part(profile, days, now_ns)
    )
    plan = query.plan(chosen)
    effects: list[Effect] = []
    sampled = False
    with open_store(configuration) as store:
        try:
            extent = extent_of(store, profile)
        except PeriodError:
            extent = (now_ns, now_ns)
        for piece in pieces_of(query.part):
            if progress is not None:
                progress(piece.start_ns - query.part.start_ns, query.part.length_ns)
            known = load_evidence(
                configuration,
                store.read,
                extent,
                [chosen],
                piece,
                record.corrections,
                now_ns,
                plan.cancelled,
                counts_until_ns=user_time_until(plan, piece),
            )
            sampled = sampled or len(known.evidence.delivery.between(new.start_ns, new.end_ns)) > 0
            effects.append(Counted(known.evidence, profile, chosen, plan, piece).effect_of_new(new))
    effect = Effect.sum_of(effects)
    return CorrectionPreview(profile, chosen, new, query.part, effect, _warnings(profile, plan, new, effect, sampled))


def _warnings(profile: Profile, plan: Plan, new: Correction, effect: Effect, sampled: bool) -> tuple[str, ...]:
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
