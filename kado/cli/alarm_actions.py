"""``kado alarms ack``, ``unack``, ``shelve``, ``unshelve``, ``out``, ``in``: what people do with alarms."""

import re
from typing import Annotated, Final

import typer

from facility.alarms import Action, ActionKind, AlarmState
from facility.errors import KadoError, UsageError
from facility.sentence import Sentence
from facility.time import NS_PER_S, parse_time, system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import Configuration, load_configuration
from kado.language import tr
from kado.language.alarm_words import alarm_action, alarm_refusal, alarm_state
from kado.output import note, print_json
from kado.queries.alarms import load_alarms
from kado.service.alarm_actions import Answer, act, answer_document

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The alarm.")]
AuthorOption = Annotated[str, typer.Option("--author", help="Name of the person.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Reason, for the next shift.")]

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|min|h|d)", re.ASCII)
_UNIT_S: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def ack(
    author: AuthorOption,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="The alarms.")] = None,
    returned: Annotated[bool, typer.Option("--returned", help="All alarms that are over.")] = False,
    occurrence: Annotated[int | None, typer.Option("--occurrence", help="The occurrence that you saw.")] = None,
    comment: Annotated[str, typer.Option("--comment", help="What you know about it.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Acknowledge alarms: somebody takes care of them.

    \b
    Examples:
      kado alarms ack beam_lost --author Mori
      kado alarms ack --returned --author Mori --comment "shift change"
    """
    configuration = load_configuration(config)
    if returned == bool(ids):
        raise UsageError(Sentence("name the alarms, or say --returned for all that are over"))
    seen: dict[str, int] = {}
    chosen = list(ids or ())
    try:
        standing = load_alarms(configuration, system_clock())
    except KadoError:
        if returned:
            raise
    else:
        records = {rule.id: standing.engine.record(rule.id) for rule in standing.engine.rules.rules}
        seen = {alarm: record.occurrence for alarm, record in records.items()}
        if returned:
            chosen = [alarm for alarm, record in records.items() if record.shown is AlarmState.RTN_UNACKED]
            if not chosen:
                note(tr("no alarm is over and unacknowledged"))
                if output is Format.JSON:
                    print_json([])
                return
    actions = [
        Action(a, ActionKind.ACK, author, 0, comment, seen.get(a) if occurrence is None else occurrence) for a in chosen
    ]
    _act(configuration, actions, output, several=True)


def unack(
    alarm: IdArgument,
    reason: ReasonOption,
    author: AuthorOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Withdraw an acknowledgement made by mistake.

    \b
    Example:
      kado alarms unack beam_lost --reason "wrong alarm" --author Mori
    """
    _act(load_configuration(config), [Action(alarm, ActionKind.UNACK, author, 0, reason)], output)


def shelve(
    alarm: IdArgument,
    reason: ReasonOption,
    author: AuthorOption,
    length: Annotated[str | None, typer.Option("--for", help="For how long: 30m, 2h, 1d.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Until when, ISO 8601 with an offset.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Only until the alarm is over.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Hide an alarm for a time, with a reason.

    \b
    Example:
      kado alarms shelve vacuum_high --for 2h --reason "leak test" --author Mori
    """
    if (length is None) == (until is None):
        raise UsageError(Sentence("say how long: either --for 2h or --until TIME"))
    until_ns = parse_time(until) if until is not None else system_clock() + _duration_ns(length or "")
    action = Action(alarm, ActionKind.SHELVE, author, 0, reason, until_ns=until_ns, once=once)
    _act(load_configuration(config), [action], output)


def unshelve(
    alarm: IdArgument, author: AuthorOption, config: ConfigOption = None, output: FormatOption = Format.TABLE
) -> None:
    r"""Show a shelved alarm again; if it is active it counts as acknowledged.

    \b
    Example:
      kado alarms unshelve vacuum_high --author Mori
    """
    _act(load_configuration(config), [Action(alarm, ActionKind.UNSHELVE, author, 0)], output)


def out(
    alarm: IdArgument,
    reason: ReasonOption,
    author: AuthorOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Take an alarm out of service, without end.

    \b
    Example:
      kado alarms out orbit_out --reason "monitor is replaced" --author Mori
    """
    _act(load_configuration(config), [Action(alarm, ActionKind.OUT, author, 0, reason)], output)


def put_in(
    alarm: IdArgument,
    reason: ReasonOption,
    author: AuthorOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Put an alarm back into service.

    \b
    Example:
      kado alarms in orbit_out --reason "monitor was replaced" --author Mori
    """
    _act(load_configuration(config), [Action(alarm, ActionKind.IN, author, 0, reason)], output)


def _act(configuration: Configuration, actions: list[Action], output: Format, *, several: bool = False) -> None:
    answers = act(configuration, actions)
    if output is Format.JSON:
        documents = [answer_document(configuration, answer) for answer in answers]
        print_json(documents if several and len(documents) != 1 else documents[0])
    else:
        for answer in answers:
            print(_line(answer))
    if any(not answer.answered for answer in answers):
        note(tr("recorded; no service answered within 5 s: it takes effect when one runs"))
        raise typer.Exit(3)
    if any(answer.refused is not None for answer in answers):
        raise typer.Exit(1)


def _line(answer: Answer) -> str:
    action = answer.action
    if not answer.answered:
        return tr("{alarm}: {action} is recorded", alarm=action.alarm, action=alarm_action(action.kind))
    if answer.refused is not None:
        return tr(
            "{alarm}: {action} is refused: {reason}",
            alarm=action.alarm,
            action=alarm_action(action.kind),
            reason=alarm_refusal(answer.refused),
        )
    state = "" if answer.state is None else alarm_state(answer.state)
    return tr("{alarm}: {action} done, now {state}", alarm=action.alarm, action=alarm_action(action.kind), state=state)


def _duration_ns(text: str) -> int:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(Sentence("{text!r} is not a length of time: write 90s, 30m, 2h or 1d", text=text))
    return round(float(match[1]) * _UNIT_S[match[2]] * NS_PER_S)
