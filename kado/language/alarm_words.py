"""Words for what happened to alarms: the code is for commands and JSON, the words are for people."""

from typing import Final

from facility.alarms.states import ActionKind, AlarmState, Cause, RefusalReason
from kado.language.catalogue import marked, tr

_STATES: Final = {
    AlarmState.OUT_OF_SERVICE: marked("out of service"),
    AlarmState.SUPPRESSED: marked("suppressed"),
    AlarmState.SHELVED: marked("shelved"),
    AlarmState.UNACKED: marked("unacknowledged"),
    AlarmState.ACKED: marked("acknowledged"),
    AlarmState.RTN_UNACKED: marked("over, unacknowledged"),
    AlarmState.UNKNOWN: marked("unknown"),
    AlarmState.NORMAL: marked("normal"),
}
_BY_DESIGN: Final = {"plan": marked("plan"), "mode": marked("mode")}
_CAUSES: Final = {
    Cause.RAISED: marked("raised"),
    Cause.CLEARED: marked("cleared"),
    Cause.ACKNOWLEDGED: marked("acknowledged"),
    Cause.UNACKNOWLEDGED: marked("acknowledgement withdrawn"),
    Cause.REALARMED: marked("raised again"),
    Cause.SHELVED: marked("shelved"),
    Cause.UNSHELVED: marked("unshelved"),
    Cause.SHELF_EXPIRED: marked("shelving expired"),
    Cause.SHELF_DONE: marked("shelving ended with the alarm"),
    Cause.SUPPRESSED: marked("suppressed by design"),
    Cause.RELEASED: marked("suppression ended"),
    Cause.TAKEN_OUT: marked("taken out of service"),
    Cause.PUT_BACK: marked("put back into service"),
    Cause.INPUT_UNKNOWN: marked("input unknown"),
    Cause.INPUT_KNOWN: marked("input known again"),
    Cause.RULE_REMOVED: marked("rule removed"),
}
_ACTIONS: Final = {
    ActionKind.ACK: marked("acknowledge"),
    ActionKind.UNACK: marked("withdraw acknowledgement"),
    ActionKind.SHELVE: marked("shelve"),
    ActionKind.UNSHELVE: marked("unshelve"),
    ActionKind.OUT: marked("take out of service"),
    ActionKind.IN: marked("put back into service"),
}
_REFUSALS: Final = {
    RefusalReason.UNKNOWN_ALARM: marked("there is no such alarm"),
    RefusalReason.NO_AUTHOR: marked("the author's name is missing"),
    RefusalReason.NO_REASON: marked("the reason is missing"),
    RefusalReason.NOTHING_TO_ACKNOWLEDGE: marked("there is nothing to acknowledge"),
    RefusalReason.OTHER_OCCURRENCE: marked("the alarm was raised again meanwhile"),
    RefusalReason.NOT_ACKNOWLEDGED: marked("it is not acknowledged"),
    RefusalReason.UNTIL_IS_PAST: marked("the end of shelving is in the past"),
    RefusalReason.LONGER_THAN_ALLOWED: marked("longer than its rule allows"),
    RefusalReason.OUT_OF_SERVICE: marked("it is out of service"),
    RefusalReason.NOT_SHELVED: marked("it is not shelved"),
    RefusalReason.IN_SERVICE: marked("it is in service"),
}


def alarm_cause(cause: Cause) -> str:
    """Return why an alarm changed its state.

    Examples
    --------
    >>> alarm_cause(Cause.SHELF_EXPIRED)
    'shelving expired'
    """
    return tr(_CAUSES[cause])


def alarm_action(action: ActionKind) -> str:
    """Return what a person did."""
    return tr(_ACTIONS[action])


def alarm_refusal(reason: RefusalReason) -> str:
    """Return why an action changed nothing."""
    return tr(_REFUSALS[reason])


def alarm_state(state: AlarmState) -> str:
    """Return how an alarm stands."""
    return tr(_STATES[state])


def suppressors(by: str) -> str:
    """Return what suppresses an alarm: plan and mode in words, other alarms by their ids.

    Examples
    --------
    >>> suppressors("plan,beam_lost")
    'plan, beam_lost'
    """
    return ", ".join(tr(_BY_DESIGN[name]) if name in _BY_DESIGN else name for name in by.split(","))
