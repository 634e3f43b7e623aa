"""One alarm over time: phase, inner state, shelf, and the word that is shown. Pure; the time is an argument."""

import copy
from dataclasses import dataclass
from enum import StrEnum

from facility.alarms import MOST_RAISES, AlarmRule, AlarmState
from facility.time import MAX_NS


class Phase(StrEnum):
    """Where the condition is on its way through the delays."""

    IDLE = "idle"
    PENDING = "pending"
    """True, for less than the on-delay."""
    ACTIVE = "active"
    CLEARING = "clearing"
    """Was active, is false, for less than the off-delay."""


@dataclass(slots=True)
class Record:
    """Everything that is kept for one alarm. The engine copies a record before it changes it."""

    verdict: bool | None = None
    phase: Phase = Phase.IDLE
    since_ns: int | None = None
    """First instant of the condition: start of pending."""
    elapsed_ns: int = 0
    """Part of the running delay that has passed, up to `running_ns` or to the hole."""
    running_ns: int | None = None
    """From when on the delay runs; None: it stands still, or there is none."""
    hole_ns: int | None = None
    """Since when the delay stands still."""
    inner: AlarmState = AlarmState.NORMAL
    """normal, unacked, acked or rtn_unacked."""
    occurrence: int = 0
    seq: int = 0
    """Number of journaled rows."""
    shelf_until_ns: int | None = None
    shelf_once: bool = False
    shelf_by: str = ""
    shelf_reason: str = ""
    out: bool = False
    out_since_ns: int | None = None
    out_by: str = ""
    out_reason: str = ""
    by_plan: bool = False
    by_mode: bool = False
    by_alarms: tuple[str, ...] = ()
    """Alarms that suppress it."""
    raises: tuple[int, ...] = ()
    chattering: bool = False
    acked_ns: int | None = None
    """Since when it is shown as acked."""
    acked_by: str = ""
    acked_comment: str = ""
    shown: AlarmState = AlarmState.UNKNOWN
    shown_since_ns: int | None = None

    @property
    def suppressed(self) -> bool:
        """Whether plan, mode or another alarm suppresses it."""
        return self.by_plan or self.by_mode or bool(self.by_alarms)

    @property
    def suppressors(self) -> tuple[str, ...]:
        """``plan``, ``mode`` and ids of alarms."""
        return (*(("plan",) if self.by_plan else ()), *(("mode",) if self.by_mode else ()), *self.by_alarms)

    @property
    def inhibits(self) -> bool:
        """Whether it suppresses its targets: from pending on, or passed on from its own source."""
        return self.phase is not Phase.IDLE or (bool(self.by_alarms) and not self.out)

    @property
    def shelved(self) -> bool:
        """Whether it is on the shelf, seen or not."""
        return self.shelf_until_ns is not None

    def copy(self) -> "Record":
        """Return a record that may be changed without changing this one."""
        return copy.copy(self)

    def word(self) -> AlarmState:
        """Return what is to be shown: the first word that fits."""
        if self.out:
            return AlarmState.OUT_OF_SERVICE
        if self.suppressed:
            return AlarmState.SUPPRESSED
        if self.shelved:
            return AlarmState.SHELVED
        if self.inner is not AlarmState.NORMAL:
            return self.inner
        return AlarmState.UNKNOWN if self.verdict is None else AlarmState.NORMAL


def delay_ns(record: Record, rule: AlarmRule) -> int:
    """Return the length of the delay that the phase waits for."""
    if record.phase is Phase.PENDING:
        return rule.on_delay_ns
    if record.chattering and rule.chatter_count:
        return max(rule.off_delay_ns, rule.chatter_within_ns)
    return rule.off_delay_ns


def next_due(record: Record, rule: AlarmRule) -> int:
    """Return the next instant at which something of the alarm ends by itself, or `MAX_NS`."""
    due = MAX_NS
    if record.running_ns is not None:
        due = record.running_ns + max(delay_ns(record, rule) - record.elapsed_ns, 0)
    elif record.hole_ns is not None:
        due = record.hole_ns + delay_ns(record, rule)
    if record.shelf_until_ns is not None:
        due = min(due, record.shelf_until_ns)
    if record.acked_ns is not None and rule.realarm_after_ns is not None:
        due = min(due, record.acked_ns + rule.realarm_after_ns)
    return due


def end_delay(record: Record, rule: AlarmRule, now_ns: int) -> bool:
    """Step 1: end the delay that is over now, whatever the facts of this instant are; return whether it did."""
    if record.running_ns is None or record.running_ns + delay_ns(record, rule) - record.elapsed_ns > now_ns:
        return False
    _pass(record, rule, now_ns)
    return True


def follow(record: Record, rule: AlarmRule, now_ns: int) -> None:
    """Step 3: let the phase follow the verdict; delays that are over pass at once."""
    if record.out or record.suppressed:
        return
    if record.verdict is None:
        _wait(record, rule, now_ns)
        return
    if record.phase is Phase.PENDING and not record.verdict:
        _idle(record)
    elif record.phase is Phase.CLEARING and record.verdict:
        _stop(record)
        record.phase = Phase.ACTIVE
    elif record.phase is Phase.IDLE and record.verdict:
        record.since_ns = now_ns
        _start(record, Phase.PENDING, now_ns)
    elif record.phase is Phase.ACTIVE and not record.verdict:
        _start(record, Phase.CLEARING, now_ns)
    elif record.hole_ns is not None:
        record.hole_ns, record.running_ns = None, now_ns
    end_delay(record, rule, now_ns)


def begin_suppression(record: Record) -> None:
    """Forget the condition: phase idle, inner state normal, raises forgotten."""
    _idle(record)
    record.inner = AlarmState.NORMAL
    record.raises, record.chattering = (), False


def hold_still(record: Record, rule: AlarmRule, from_ns: int, to_ns: int) -> None:
    """Let ``[from_ns, to_ns)`` be a hole, as at a restart; a hole longer than the delay starts it again."""
    if record.running_ns is not None:
        record.elapsed_ns += from_ns - record.running_ns
        if record.elapsed_ns >= delay_ns(record, rule):
            # It was over just when the hole began; it ends at the first instant that is decided.
            record.running_ns = to_ns
            return
        record.running_ns, record.hole_ns = None, from_ns
    if record.hole_ns is not None and to_ns - record.hole_ns > delay_ns(record, rule):
        _lapse(record)


def end_shelf(record: Record, *, acknowledged: bool) -> None:
    """Take it off the shelf; what is still active is acknowledged if a person did it."""
    record.shelf_until_ns, record.shelf_once = None, False
    record.shelf_by = record.shelf_reason = ""
    if record.phase in (Phase.ACTIVE, Phase.CLEARING):
        record.inner = AlarmState.ACKED if acknowledged else AlarmState.UNACKED
    else:
        record.inner = AlarmState.NORMAL


def change_condition(record: Record) -> None:
    """Another condition under the same id: pending becomes idle, active stays."""
    if record.phase is Phase.PENDING:
        _idle(record)
    elif record.phase is Phase.CLEARING:
        _stop(record)
        record.phase = Phase.ACTIVE


def _pass(record: Record, rule: AlarmRule, now_ns: int) -> None:
    _stop(record)
    if record.phase is Phase.PENDING:
        record.phase = Phase.ACTIVE
        record.occurrence += 1
        record.inner = AlarmState.UNACKED
        record.raises = (*record.raises, now_ns)[-MOST_RAISES:]
        count = rule.chatter_count
        if 0 < count <= len(record.raises) and record.raises[-count] > now_ns - rule.chatter_within_ns:
            record.chattering = True
        return
    _idle(record)
    if record.chattering:
        record.chattering, record.raises = False, ()
    if record.shelved:
        # What came and went on the shelf leaves nothing to acknowledge.
        record.inner = AlarmState.NORMAL
        if record.shelf_once:
            end_shelf(record, acknowledged=True)
    elif record.inner is AlarmState.UNACKED and rule.latch:
        record.inner = AlarmState.RTN_UNACKED
    else:
        record.inner = AlarmState.NORMAL


def _wait(record: Record, rule: AlarmRule, now_ns: int) -> None:
    """Let the delay stand still while the verdict is unknown; after a hole as long as itself it starts again."""
    if record.running_ns is not None:
        record.elapsed_ns += now_ns - record.running_ns
        record.running_ns, record.hole_ns = None, now_ns
    if record.hole_ns is not None and now_ns - record.hole_ns >= delay_ns(record, rule):
        _lapse(record)


def _lapse(record: Record) -> None:
    if record.phase is Phase.PENDING:
        _idle(record)
    else:
        _stop(record)
        record.phase = Phase.ACTIVE


def _start(record: Record, phase: Phase, now_ns: int) -> None:
    record.phase = phase
    record.elapsed_ns, record.running_ns, record.hole_ns = 0, now_ns, None


def _stop(record: Record) -> None:
    record.elapsed_ns, record.running_ns, record.hole_ns = 0, None, None


def _idle(record: Record) -> None:
    _stop(record)
    record.phase, record.since_ns = Phase.IDLE, None
