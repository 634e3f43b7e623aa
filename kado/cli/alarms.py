"""``kado alarms``: the list of alarms."""

from collections.abc import Callable
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from facility.alarms import LISTED_STATES, AlarmRule, AlarmState, Priority
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import Configuration, load_configuration
from kado.language import term, tr, words
from kado.live.stopping import stop_on_interrupt
from kado.output import age, local, print_json, show, table, terminal, title
from kado.queries.alarm_words import state_text, value_text
from kado.queries.alarms import AlarmStanding, alarms_document, load_alarms

_STYLE: Final = {
    AlarmState.UNACKED: "bold red",
    AlarmState.ACKED: "red",
    AlarmState.RTN_UNACKED: "yellow",
    AlarmState.UNKNOWN: "magenta",
}


def alarms(
    context: typer.Context,
    state: Annotated[AlarmState | None, typer.Option("--state", help="Only alarms in this state.")] = None,
    priority: Annotated[Priority | None, typer.Option("--priority", help="Only alarms of this priority.")] = None,
    class_: Annotated[str | None, typer.Option("--class", help="Only alarms of this class.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Normal alarms, too.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running and show every change; stop with Ctrl-C.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="End with 1 if an alarm is on the list.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Show the alarms with their actions.

    \b
    Examples:
      kado alarms
      kado alarms --priority critical --check
      kado alarms --watch
    """
    if context.invoked_subcommand is not None:
        return
    configuration = load_configuration(config)

    def chosen(standing: AlarmStanding) -> list[AlarmRule]:
        quiet = not everything and state is None
        return [
            rule
            for rule in standing.listed()
            if (state is None or standing.engine.record(rule.id).shown is state)
            and (priority is None or rule.priority is priority)
            and class_ in (None, rule.class_)
            and not (quiet and standing.engine.record(rule.id).shown is AlarmState.NORMAL)
        ]

    if watch:
        _watch(configuration, chosen)
        return
    standing = load_alarms(configuration, system_clock())
    if output is Format.JSON:
        whole = everything or (state is None and priority is None and class_ is None)
        print_json(alarms_document(standing, None if whole else chosen(standing)))
    else:
        show(*screen(standing, chosen(standing)))
    if check and any(standing.engine.record(rule.id).shown in LISTED_STATES for rule in standing.engine.rules.rules):
        raise typer.Exit(1)


def screen(standing: AlarmStanding, rules: list[AlarmRule]) -> list[RenderableType]:
    """Return the list for people."""
    profile, engine = standing.configuration.profile, standing.engine
    unknown = sum(record.shown is AlarmState.UNKNOWN for record in engine.records)
    head = title(profile, tr("alarms at {at}", at=local(engine.position_ns, profile.zone)))
    parts: list[RenderableType] = [head]
    if standing.flood:
        parts.append(Text(tr("Flood: {n} alarms in ten minutes", n=standing.annunciated), style="bold red"))
    if unknown:
        parts.append(Text(tr("Unknown: {n} of {count} alarms", n=unknown, count=len(engine.rules)), style="magenta"))
    late_s = (standing.now_ns - engine.position_ns) / 1e9
    if late_s > 60:
        ago = age(engine.position_ns, standing.now_ns)
        parts.append(
            Text(tr("The alarms were last evaluated {ago} ago: is kado run running?", ago=ago), style="bold red")
        )
    if not rules:
        parts.append(Text(tr("no alarms")))
        return parts
    headings = [tr("state"), tr("priority"), tr("alarm"), tr("since"), tr("value"), tr("what to do")]
    rows = table(headings)
    for rule in rules:
        record = engine.record(rule.id)
        style = _STYLE.get(record.shown, "")
        rows.add_row(
            Text(state_text(standing, rule), style=style),
            term(rule.priority.value),
            Text(f"{rule.id}: {words(rule.title)}"),
            local(record.shown_since_ns, profile.zone),
            value_text(standing, rule),
            words(rule.action),
        )
    return [*parts, rows]


def _watch(configuration: Configuration, choose: Callable[[AlarmStanding], list[AlarmRule]]) -> None:
    on_terminal = terminal().is_terminal
    with stop_on_interrupt() as stop, Live(console=terminal(), auto_refresh=False, screen=on_terminal) as live:
        while not stop.is_set():
            standing = load_alarms(configuration, system_clock())
            live.update(Group(*screen(standing, choose(standing))), refresh=True)
            stop.wait(1.0)
