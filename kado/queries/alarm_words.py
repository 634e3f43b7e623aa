"""How one alarm stands, in words: on the terminal and on the page."""

from facility.alarms import LISTED_STATES, AlarmRule, AlarmState
from kado.language import tr
from kado.language.alarm_words import alarm_state, suppressors
from kado.output import local
from kado.queries.alarms import AlarmStanding, alarm_document


def state_text(standing: AlarmStanding, rule: AlarmRule) -> str:
    """Return the state with what belongs to it: by whom, until when, why, by what."""
    record, zone = standing.engine.record(rule.id), standing.configuration.profile.zone
    text = alarm_state(record.shown)
    if record.shown is AlarmState.ACKED:
        text += _why(record.acked_by, record.acked_comment)
    elif record.shown is AlarmState.SHELVED:
        until = tr("until {t}", t=local(record.shelf_until_ns, zone))
        text += _why(f"{record.shelf_by}, {until}", record.shelf_reason)
    elif record.shown is AlarmState.SUPPRESSED:
        text += f" ({suppressors(','.join(record.suppressors))})"
    elif record.shown is AlarmState.OUT_OF_SERVICE:
        text += _why(record.out_by, record.out_reason)
    if record.shown in LISTED_STATES and record.verdict is None:
        text += f", {tr('input unknown')}"
    if record.chattering:
        text += f", {tr('chattering')}"
    return text


def _why(who: str, reason: str) -> str:
    return f" ({who}: {reason})" if reason else f" ({who})"


def value_text(standing: AlarmStanding, rule: AlarmRule) -> str:
    """Return value, unit and limit as they are now."""
    found = alarm_document(standing, rule)
    if found["word"] is not None:
        return str(found["word"])
    value, limit, unit = found["value"], found["limit"], found["unit"]
    if value is None and limit is None:
        return "–"
    shown = "–" if value is None else f"{value:z.6g}"
    bound = "" if limit is None else f" ({tr('limit {limit}', limit=f'{limit:z.6g}')})"
    return f"{shown} {unit}{bound}".strip()
