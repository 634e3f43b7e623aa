"""What people do with an alarm, and when it is refused."""

from analytics.alarms.phases import Phase, Record, begin_suppression, end_shelf
from facility.alarms import Action, ActionKind, AlarmRule, AlarmState, Cause, Refusal, RefusalReason


def apply_action(action: Action, record: Record | None, rule: AlarmRule | None, now_ns: int) -> Cause | Refusal:
    """Do an action on a record, or refuse it and leave the record as it is.

    Parameters
    ----------
    record, rule
        Those of the action's alarm; None where there is no such alarm.
    now_ns
        When it takes effect.

    Returns
    -------
    The cause of the change, or the refusal. Checked are the alarm, the author, the reason, then the rest.
    """
    reason = _refused(action, record, rule, now_ns)
    if reason is not None or record is None:
        return Refusal(now_ns, action.alarm, action.kind, reason or RefusalReason.UNKNOWN_ALARM, action.id)
    return _DO[action.kind](action, record, now_ns)


def _refused(action: Action, record: Record | None, rule: AlarmRule | None, now_ns: int) -> RefusalReason | None:
    if record is None or rule is None:
        return RefusalReason.UNKNOWN_ALARM
    if not action.author.strip():
        return RefusalReason.NO_AUTHOR
    if action.kind.needs_reason and not action.reason.strip():
        return RefusalReason.NO_REASON
    match action.kind:
        case ActionKind.ACK:
            if record.word() not in (AlarmState.UNACKED, AlarmState.RTN_UNACKED):
                return RefusalReason.NOTHING_TO_ACKNOWLEDGE
            if action.occurrence is not None and action.occurrence != record.occurrence:
                return RefusalReason.OTHER_OCCURRENCE
        case ActionKind.UNACK:
            if record.word() is not AlarmState.ACKED:
                return RefusalReason.NOT_ACKNOWLEDGED
        case ActionKind.SHELVE:
            if action.until_ns is None or action.until_ns <= now_ns:
                return RefusalReason.UNTIL_IS_PAST
            if action.until_ns - now_ns > rule.shelve_max_ns:
                return RefusalReason.LONGER_THAN_ALLOWED
            if record.out:
                return RefusalReason.OUT_OF_SERVICE
        case ActionKind.UNSHELVE:
            if not record.shelved:
                return RefusalReason.NOT_SHELVED
        case ActionKind.OUT:
            if record.out:
                return RefusalReason.OUT_OF_SERVICE
        case ActionKind.IN:
            if not record.out:
                return RefusalReason.IN_SERVICE
    return None


def _ack(action: Action, record: Record, now_ns: int) -> Cause:
    record.inner = AlarmState.ACKED if record.inner is AlarmState.UNACKED else AlarmState.NORMAL
    record.acked_by, record.acked_comment = action.author, action.reason
    return Cause.ACKNOWLEDGED


def _unack(action: Action, record: Record, now_ns: int) -> Cause:
    record.inner = AlarmState.UNACKED
    return Cause.UNACKNOWLEDGED


def _shelve(action: Action, record: Record, now_ns: int) -> Cause:
    record.shelf_until_ns, record.shelf_once = action.until_ns, action.once
    record.shelf_by, record.shelf_reason = action.author, action.reason
    return Cause.SHELVED


def _unshelve(action: Action, record: Record, now_ns: int) -> Cause:
    end_shelf(record, acknowledged=True)
    record.acked_by, record.acked_comment = action.author, action.reason
    return Cause.UNSHELVED


def _out(action: Action, record: Record, now_ns: int) -> Cause:
    begin_suppression(record)
    end_shelf(record, acknowledged=False)
    record.out, record.out_since_ns = True, now_ns
    record.out_by, record.out_reason = action.author, action.reason
    assert record.phase is Phase.IDLE
    return Cause.TAKEN_OUT


def _in(action: Action, record: Record, now_ns: int) -> Cause:
    record.out, record.out_since_ns = False, None
    record.out_by = record.out_reason = ""
    return Cause.PUT_BACK


_DO = {
    ActionKind.ACK: _ack,
    ActionKind.UNACK: _unack,
    ActionKind.SHELVE: _shelve,
    ActionKind.UNSHELVE: _unshelve,
    ActionKind.OUT: _out,
    ActionKind.IN: _in,
}
