"""A shift: what happened, what people wrote, what is open; the document that is frozen when it is handed over."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from analytics.conditions import Kind
from facility.errors import KadoError, PeriodError, ProfileError
from facility.handovers import Handover, ShiftRemark
from facility.period import Period
from facility.profile import Profile
from facility.schedule import resolve
from facility.sentence import Sentence
from facility.shifts import Shift, shift_at, shift_before
from facility.time import Clock, format_second, format_time, parse_time, system_clock, to_s
from kado.config import Configuration
from kado.journal import has_journal, open_people
from kado.language.sentences import sentence_document
from kado.queries.awaiting_review import AwaitingReview, awaiting_document, load_awaiting_review
from kado.queries.corrections import correction_document, load_corrections
from kado.queries.event_alarms import load_alarms_raised, raised_documents
from kado.queries.events import event_documents
from kado.queries.identity import identity
from kado.queries.incidents import incident_document, load_incidents
from kado.queries.record import load_record
from kado.stores import open_store

_MEAN_POINTS: Final = 60


def find_shift(configuration: Configuration, at: str | None = None, *, clock: Clock = system_clock) -> Shift:
    """Return the shift that holds an instant (ISO 8601); None: now.

    Raises
    ------
    TimeError
        If the instant cannot be read.
    """
    profile = configuration.profile
    return shift_at(clock() if at is None else parse_time(at), profile.shifts, profile.zone)


def shift_document(configuration: Configuration, shift: Shift, *, clock: Clock = system_clock) -> dict[str, Any]:
    """Return a shift for people and programs, as it is known now; of one that was handed over what was signed.

    Raises
    ------
    PeriodError
        If the shift lies in the future.
    """
    now_ns, profile = clock(), configuration.profile
    if shift.start_ns > now_ns:
        raise PeriodError(
            Sentence("the shift that begins {start} has not begun", start=format_second(shift.start_ns, profile.zone))
        )
    before = shift_before(shift, profile.shifts, profile.zone)
    handovers, remarks = _people(configuration, shift)
    signed = {h.shift_start_ns: h for h in handovers}
    found = signed.get(shift.start_ns)
    document = _as_known_now(configuration, shift, remarks, now_ns) if found is None else dict(found.document)
    previous = signed.get(before.start_ns)
    return {
        **document,
        "handover": None if found is None else handover_document(profile, found),
        "previous": {
            "name": {"en": before.name.en, "ja": before.name.ja},
            "start": format_time(before.start_ns, profile.zone),
            "handover": None if previous is None else handover_document(profile, previous),
        },
    }


def _people(configuration: Configuration, shift: Shift) -> tuple[tuple[Handover, ...], tuple[ShiftRemark, ...]]:
    if not has_journal(configuration):
        return (), ()
    with open_people(configuration) as people:
        return people.handovers(), people.remarks(shift.start_ns)


def _as_known_now(
    configuration: Configuration, shift: Shift, remarks: Sequence[ShiftRemark], now_ns: int
) -> dict[str, Any]:
    profile, zone = configuration.profile, configuration.profile.zone
    until_ns = min(now_ns, shift.end_ns)

    def clock() -> int:
        return now_ns

    def in_shift(start_ns: int, end_ns: int, recorded_at_ns: int) -> bool:
        touches = start_ns < until_ns and shift.start_ns < end_ns
        return touches or shift.start_ns <= recorded_at_ns < shift.end_ns

    period = Period(
        f"{format_time(shift.start_ns, zone)}/{format_time(shift.end_ns, zone)}", shift.start_ns, shift.end_ns
    )
    found: AwaitingReview | None = None
    no_figure: Exception | None = None
    try:
        found = load_awaiting_review(configuration, period, clock=clock)
    except (PeriodError, ProfileError) as error:
        no_figure = error
    raised = load_alarms_raised(configuration, shift.start_ns, until_ns).between(shift.start_ns, until_ns)
    corrections = [
        correction_document(profile, s)
        for s in load_corrections(configuration)
        if in_shift(s.correction.start_ns, s.correction.end_ns, s.correction.recorded_at_ns)
        or (s.withdrawal is not None and shift.start_ns <= s.withdrawal.recorded_at_ns < shift.end_ns)
        or (s.confirmation is not None and shift.start_ns <= s.confirmation.recorded_at_ns < shift.end_ns)
    ]
    incidents = [
        incident_document(profile, n)
        for n in load_incidents(configuration)
        if in_shift(n.incident.start_ns, n.incident.end_ns, n.incident.recorded_at_ns)
    ]
    return {
        **identity(profile, definition=profile.definition, period=period),
        "shift": {
            "name": {"en": shift.name.en, "ja": shift.name.ja},
            "start": format_time(shift.start_ns, zone),
            "end": format_time(shift.end_ns, zone),
        },
        "as_known_on": format_time(now_ns, zone),
        "until": format_time(until_ns, zone),
        "no_figure": None if no_figure is None else str(no_figure),
        "no_figure_sentence": None if no_figure is None else sentence_document(no_figure),
        "beam": _beam(configuration, found, shift.start_ns, until_ns),
        "plan": _plan(configuration, shift),
        "events": [] if found is None else event_documents(found.report),
        "alarms": raised_documents(raised, zone),
        "corrections": corrections,
        "incidents": incidents,
        "open_questions": None if found is None else awaiting_document(found),
        "remarks": [
            {"author": r.author, "text": r.text, "recorded_at": format_time(r.recorded_at_ns, zone)} for r in remarks
        ],
    }


def _beam(
    configuration: Configuration, found: AwaitingReview | None, start_ns: int, until_ns: int
) -> dict[str, Any] | None:
    """Return what was delivered since the shift began."""
    if found is None:
        return None
    result = found.report.availability
    a, f = result.accounts, result.figures
    longest = max((r.user_time_ns for r in result.events if r.event.kind is Kind.NO_BEAM), default=0)
    return {
        "user_time_s": to_s(a.user_time),
        "delivered_s": to_s(a.delivered),
        "no_beam_s": to_s(a.no_beam),
        "unknown_s": to_s(a.unknown),
        "low_beam_s": to_s(a.low_beam),
        "availability_pct": f.availability_pct,
        "availability_lower_pct": f.availability_lower_pct,
        "availability_upper_pct": f.availability_upper_pct,
        "failures": result.counts.failures,
        "longest_outage_s": to_s(longest),
        **_level(configuration, start_ns, until_ns),
    }


def _level(configuration: Configuration, start_ns: int, until_ns: int) -> dict[str, Any]:
    """Return the delivery signal's mean, least and largest value; None where there is no sample."""
    profile = configuration.profile
    empty = {"signal": profile.delivery_signal, "unit": profile.delivery.unit, "mean": None, "min": None, "max": None}
    if until_ns <= start_ns:
        return empty
    with suppress(KadoError), open_store(configuration) as store:
        found = store.buckets(profile.delivery_signal, start_ns, until_ns, _MEAN_POINTS)
        if len(found.mean):
            return {
                **empty,
                "mean": float(found.mean.mean()),
                "min": float(found.min.min()),
                "max": float(found.max.max()),
            }
    return empty


def _plan(configuration: Configuration, shift: Shift) -> list[dict[str, Any]]:
    zone = configuration.profile.zone
    planned = resolve(load_record(configuration).versions).planned
    return [
        {
            "category": p.block.category.value,
            "start": format_time(max(p.block.start_ns, shift.start_ns), zone),
            "end": format_time(min(p.block.end_ns, shift.end_ns), zone),
            "cancelled": p.cancelled,
        }
        for p in planned
        if p.block.start_ns < shift.end_ns and shift.start_ns < p.block.end_ns
    ]


def handover_document(profile: Profile, handover: Handover) -> dict[str, Any]:
    """Return who signed a handover, for programs."""
    c, zone = handover.countersigned, profile.zone
    return {
        "id": handover.id,
        "signed_by": handover.author,
        "signed_at": format_time(handover.recorded_at_ns, zone),
        "remarks": handover.remarks,
        "digest": handover.digest,
        "countersigned": None
        if c is None
        else {"by": c.author, "at": format_time(c.recorded_at_ns, zone), "remark": c.remark},
    }


def load_handovers(configuration: Configuration, search: str = "") -> list[Handover]:
    """Return the handovers, newest shift first; with `search` those that hold each of its words anywhere."""
    if not has_journal(configuration):
        return []
    with open_people(configuration) as people:
        found = people.handovers()
    wanted = search.casefold().split()
    return [h for h in found if all(word in _searched(h) for word in wanted)]


def _searched(handover: Handover) -> str:
    signed = handover.countersigned
    parts = [handover.author, handover.remarks, json.dumps(handover.document, ensure_ascii=False)]
    parts += [] if signed is None else [signed.author, signed.remark]
    return "\n".join(parts).casefold()


def handovers_document(profile: Profile, listed: Sequence[Handover]) -> dict[str, Any]:
    """Return the list for programs."""
    return {
        **identity(profile),
        "handovers": [
            {
                "shift": h.document.get("shift"),
                "beam": h.document.get("beam"),
                "events": len(h.document.get("events", [])),
                "handover": handover_document(profile, h),
            }
            for h in listed
        ],
    }


def digest_of(document: dict[str, Any]) -> str:
    """Return the SHA-256 of a document."""
    return hashlib.sha256(json.dumps(document, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
