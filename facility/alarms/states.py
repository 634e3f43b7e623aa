"""What an alarm may be, why it changed, what people may do with it."""

from dataclasses import dataclass
from enum import StrEnum

from facility.sentence import Sentence
from facility.written_text import check_line, check_text


class AlarmState(StrEnum):
    """The one word that is shown for an alarm; the order is that of precedence, first the strongest."""

    OUT_OF_SERVICE = "out_of_service"
    """Taken out by a person, without end."""
    SUPPRESSED = "suppressed"
    """Switched off by plan, mode or another alarm."""
    SHELVED = "shelved"
    """Hidden by a person, for a time."""
    UNACKED = "unacked"
    """Active; nobody acknowledged."""
    ACKED = "acked"
    """Active and acknowledged."""
    RTN_UNACKED = "rtn_unacked"
    """Over, latched; nobody acknowledged."""
    UNKNOWN = "unknown"
    """No alarm, and the condition is not known."""
    NORMAL = "normal"
    """No alarm, and the condition is known."""

    @property
    def code(self) -> int:
        """A number for metrics: 0 for normal, up to 7 for out of service."""
        return len(AlarmState) - 1 - list(AlarmState).index(self)


QUIET_STATES = frozenset({AlarmState.NORMAL, AlarmState.UNKNOWN, AlarmState.SUPPRESSED})
"""A row that moves only between these is not journaled: a flaky input would write thousands a day."""

LISTED_STATES = frozenset({AlarmState.UNACKED, AlarmState.ACKED, AlarmState.RTN_UNACKED})
"""On the list of alarms: a person has still to act or to acknowledge."""


class Priority(StrEnum):
    """How soon a person must act."""

    CRITICAL = "critical"
    """Within 5 minutes."""
    HIGH = "high"
    """Within 30 minutes."""
    MEDIUM = "medium"
    """Within the shift."""
    LOW = "low"
    """By the next working day."""


class Cause(StrEnum):
    """Why an alarm changed its state."""

    RAISED = "raised"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    REALARMED = "realarmed"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SHELF_EXPIRED = "shelf_expired"
    SHELF_DONE = "shelf_done"
    """Shelved until it is over, and it is over."""
    SUPPRESSED = "suppressed"
    RELEASED = "released"
    """Suppression ended."""
    TAKEN_OUT = "taken_out"
    PUT_BACK = "put_back"
    INPUT_UNKNOWN = "input_unknown"
    INPUT_KNOWN = "input_known"
    RULE_REMOVED = "rule_removed"


class ActionKind(StrEnum):
    """What a person may do."""

    ACK = "ack"
    UNACK = "unack"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    OUT = "out"
    IN = "in"

    @property
    def needs_reason(self) -> bool:
        """Whether it is refused without a reason."""
        return self in (ActionKind.UNACK, ActionKind.SHELVE, ActionKind.OUT, ActionKind.IN)


class RefusalReason(StrEnum):
    """Why an action changed nothing."""

    UNKNOWN_ALARM = "unknown_alarm"
    NO_AUTHOR = "no_author"
    NO_REASON = "no_reason"
    NOTHING_TO_ACKNOWLEDGE = "nothing_to_acknowledge"
    OTHER_OCCURRENCE = "other_occurrence"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    UNTIL_IS_PAST = "until_is_past"
    LONGER_THAN_ALLOWED = "longer_than_allowed"
    OUT_OF_SERVICE = "out_of_service"
    NOT_SHELVED = "not_shelved"
    IN_SERVICE = "in_service"


@dataclass(frozen=True, slots=True)
class Action:
    """What a person did, as recorded."""

    alarm: str
    kind: ActionKind
    author: str
    recorded_at_ns: int
    """When it was recorded; it takes effect there, or at the engine's position if that is later."""
    reason: str = ""
    """For an acknowledgement: a comment."""
    occurrence: int | None = None
    """For an acknowledgement: the occurrence that the person saw; None: the present one."""
    until_ns: int | None = None
    """For a shelf: when it ends."""
    once: bool = False
    """For a shelf: it ends when the alarm is over, at the latest at `until_ns`."""
    id: int = 0
    """Number in the journal; 0 before it is recorded."""


def check_action(new: Action) -> None:
    """Refuse an action whose texts are too long, or hold characters that are no text.

    Raises
    ------
    UsageError
        Naming what is wrong.
    """
    check_line(Sentence("the name of the alarm"), new.alarm)
    check_line(Sentence("the author's name"), new.author)
    check_text(Sentence("the comment") if new.kind is ActionKind.ACK else Sentence("the reason"), new.reason)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action that changed nothing, and why."""

    time_ns: int
    alarm: str
    action: ActionKind
    reason: RefusalReason
    action_id: int = 0


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: an alarm changed the state that is shown."""

    time_ns: int
    alarm: str
    from_state: AlarmState
    to_state: AlarmState
    cause: Cause
    seq: int
    """Number of the journaled row of this alarm, from 1; 0 for a row that is not journaled."""
    occurrence: int
    """Number of the alarm's entry into *active*, from 1; 0 before the first."""
    priority: Priority
    class_: str
    annunciated: bool
    """Whether it is counted and notified as an annunciation."""
    by: str | None = None
    """``plan``, ``mode`` or ids of alarms, joined by commas; or the author."""
    since_ns: int | None = None
    """First instant of the condition; None without one."""
    value: float | None = None
    word: str | None = None
    limit_value: float | None = None
    """The limit that the value was compared with."""
    input_known: bool = True
    chattering: bool = False
    action_id: int | None = None

    @property
    def journaled(self) -> bool:
        """Whether the row goes to the journal."""
        return not (self.from_state in QUIET_STATES and self.to_state in QUIET_STATES)
