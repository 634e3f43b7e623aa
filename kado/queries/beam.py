"""What the beam is right now, by the same rules as every figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from analytics.conditions import Kind
from analytics.events import Event
from analytics.findings import Findings, examine
from facility.corrections import Correction
from facility.definition import Definition
from facility.period import Period
from facility.schedule import Plan
from facility.text import Text
from facility.time import NS_PER_H, format_time
from kado.config import Configuration
from kado.queries.evidence import Read, load_evidence

LOOK_NS: Final = 2 * NS_PER_H
"""So far back the beam is looked at; an outage that began earlier is followed to its start."""


class BeamState(StrEnum):
    """What the beam is right now."""

    UP = "up"
    LOW = "low"
    NONE = "none"
    UNKNOWN = "unknown"

    @property
    def words(self) -> Text:
        """What it means, for people."""
        return {
            BeamState.UP: Text(en="beam delivered", ja="供給中"),
            BeamState.LOW: Text(en="low beam", ja="低電流"),
            BeamState.NONE: Text(en="no beam", ja="ビーム停止"),
            BeamState.UNKNOWN: Text(en="unknown", ja="不明"),
        }[self]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the beam is at an instant."""

    state: BeamState
    since_ns: int | None
    """Since when; None: since before the time that was looked at."""
    after_unknown: bool
    """Whether it is not known what the beam was before: the state may be older than `since_ns`."""
    event: Event | None
    """The outage or low beam that is running in user time."""


def find_verdict(
    configuration: Configuration,
    read: Read,
    extent: tuple[int, int],
    definition: Definition,
    plan: Plan,
    corrections: Sequence[Correction],
    now_ns: int,
) -> Verdict:
    """Judge the beam at an instant from the last two hours, and from what they depend on.

    Raises
    ------
    ProfileError
        If there is user time before the profile's first limits.
    """
    profile = configuration.profile
    part = Period("now", now_ns - LOOK_NS, now_ns)
    known = load_evidence(
        configuration, read, extent, [definition], part, corrections, now_ns, plan.cancelled, counts_until_ns=now_ns
    )
    found = examine(known.evidence, profile, definition, plan, part, settled=known.settled, bounds=False)
    return beam_verdict(found, now_ns)


def beam_verdict(findings: Findings, now_ns: int) -> Verdict:
    """Return what the beam is at the end of what was examined, and since when it was known to be so.

    Unknown time is neither beam nor downtime, so a state counts from the first instant after it; only where the rules
    carry an outage across a gap does it count from before. The event that is running has a beginning of its own.
    """
    known_until = findings.known_until_ns
    if known_until is None or known_until < now_ns:
        return Verdict(BeamState.UNKNOWN, known_until, after_unknown=False, event=None)
    state, began_ns = _state_at(findings, known_until)
    run, since_ns = findings.known_run, began_ns
    if run is not None and (began_ns is not None or run.start_ns > findings.part.start_ns):
        since_ns = run.start_ns if began_ns is None else max(began_ns, run.start_ns)
    after_unknown = run is not None and run.after_unknown and since_ns == run.start_ns
    return Verdict(state, since_ns, after_unknown, running_event(findings, state, now_ns))


def since_document(since_ns: int | None, zone: tzinfo, *, after_unknown: bool) -> dict[str, str | None]:
    """Return since when the beam is in its state, for JSON documents."""
    return {
        "since": None if since_ns is None else format_time(since_ns, zone),
        "since_after": "unknown" if after_unknown else None,
    }


def _state_at(findings: Findings, known_until: int) -> tuple[BeamState, int | None]:
    """Return the state where the known time ends, and where it began; None: since before."""
    for kind, state in ((Kind.NO_BEAM, BeamState.NONE), (Kind.LOW_BEAM, BeamState.LOW)):
        # One that is open at the end of a day that is over was followed no further.
        running = [s for s in findings.stretches if s.kind is kind and s.open and s.end_ns >= known_until]
        if running:
            return state, running[-1].start_ns
    return BeamState.UP, max((s.end_ns for s in findings.stretches), default=None)


def running_event(findings: Findings, state: BeamState, now_ns: int) -> Event | None:
    """Return the outage or low beam in user time that is running; None where the beam is up or not known."""
    if state not in (BeamState.NONE, BeamState.LOW):
        return None
    running = [e for e in (*findings.failures, *findings.trips, *findings.low_beam) if e.open and e.end_ns >= now_ns]
    return max(running, key=lambda e: e.start_ns, default=None)
