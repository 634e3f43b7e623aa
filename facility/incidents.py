"""What a person found to be behind an outage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from facility.errors import IncidentError
from facility.sentence import Sentence
from facility.slug import check_slug
from facility.time import NS_PER_H, NS_PER_S, format_second
from facility.written_text import check_line, check_text

RECOVERY: Final = "recovery"
"""Time of an outage that no incident covers; no system may be called that."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that was broken for a while; attached to events by overlap, so it may overlap others."""

    id: int
    """Given by the journal; 0 before it is recorded."""
    start_ns: int
    end_ns: int
    system: str
    """Such as ``rf`` or ``vacuum``."""
    component: str
    title: str
    author: str
    recorded_at_ns: int
    root_cause: bool = False
    """Whether it caused the others that overlap the same event."""
    cause_text: str = ""
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class IncidentWithdrawal:
    """An incident taken back; it stays on record."""

    incident_id: int
    author: str
    reason: str
    recorded_at_ns: int
    replaced_by: int | None = None
    """The incident that was recorded in its place."""


class Review(StrEnum):
    """What an outage asks for, by the user time that it cost (after Jefferson Lab's downtime manager)."""

    ACKNOWLEDGE = "acknowledge"
    """Under half an hour."""
    ROOT_CAUSE = "root cause"
    """Under four hours: a text on its root cause."""
    ASSESSMENT = "assessment"
    """From four hours on: a written assessment."""

    @classmethod
    def of(cls, user_time_ns: int) -> "Review":
        """Return the level for an outage that cost so much user time."""
        if user_time_ns < 1800 * NS_PER_S:
            return cls.ACKNOWLEDGE
        return cls.ROOT_CAUSE if user_time_ns < 4 * NS_PER_H else cls.ASSESSMENT


class Sharing(StrEnum):
    """Who bears the time of an event with several incidents."""

    ROOT_CAUSE = "root-cause"
    """The incident marked as the root cause bears all of the event; where none is, as `EQUAL`."""
    EQUAL = "equal-share"
    """Each instant goes to the incidents that cover it, in equal parts."""


def standing(
    incidents: Sequence[Incident], withdrawals: Sequence[IncidentWithdrawal], as_known_on_ns: int | None = None
) -> tuple[Incident, ...]:
    """Return the incidents that hold, in the order they were recorded.

    Parameters
    ----------
    as_known_on_ns
        Leave out what was recorded after this instant; None: nothing.
    """

    def known(recorded_at_ns: int) -> bool:
        return as_known_on_ns is None or recorded_at_ns <= as_known_on_ns

    withdrawn = {w.incident_id for w in withdrawals if known(w.recorded_at_ns)}
    return tuple(i for i in incidents if known(i.recorded_at_ns) and i.id not in withdrawn)


def check_incident(new: Incident, zone: tzinfo | None = None) -> None:
    """Refuse an incident that says nothing.

    Parameters
    ----------
    zone
        Of the times in messages, the facility's; None: UTC.

    Raises
    ------
    IncidentError
        Naming what is wrong.
    SlugError
        If the system's name is no slug.
    """
    if new.end_ns <= new.start_ns:
        raise IncidentError(
            Sentence(
                "an incident must end after its start: {start} to {end}",
                start=format_second(new.start_ns, zone),
                end=format_second(new.end_ns, zone),
            )
        )
    if check_slug(new.system, Sentence("system")) == RECOVERY:
        raise IncidentError(
            Sentence("{system!r} stands for time that no incident covers: name the system that failed", system=RECOVERY)
        )
    for text, missing in (
        (new.component, Sentence("an incident needs a component")),
        (new.title, Sentence("an incident needs a title")),
        (new.author, Sentence("an incident needs an author")),
    ):
        if not text.strip():
            raise IncidentError(missing)
    for what, line in (
        (Sentence("the system"), new.system),
        (Sentence("the component"), new.component),
        (Sentence("the title"), new.title),
        (Sentence("the author's name"), new.author),
    ):
        check_line(what, line, IncidentError)
    check_text(Sentence("the cause"), new.cause_text, IncidentError)
    check_text(Sentence("the text on what was done"), new.resolution, IncidentError)


def check_incident_withdrawal(new: IncidentWithdrawal) -> None:
    """Refuse a withdrawal without author or reason.

    Raises
    ------
    IncidentError
        Naming what is wrong.
    """
    if not new.author.strip() or not new.reason.strip():
        raise IncidentError(Sentence("a withdrawal needs an author and a reason, for those who question it later"))
    check_line(Sentence("the author's name"), new.author, IncidentError)
    check_text(Sentence("the reason"), new.reason, IncidentError)
