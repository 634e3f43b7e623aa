"""The live screen: one look, updated in place; or one line, where there is no terminal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from analytics.availability import Availability
from analytics.events import Event
from collector.ledger import SourceTotals
from collector.source_status import SourceStatus
from facility.corrections import Correction
from facility.definition import Definition
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Block, Plan
from facility.time import NS_PER_S
from kado.language import marked, term, tr, trn, words
from kado.language.assertions import correction_words
from kado.language.terms import LEDGER
from kado.output import age, local, simulated_mark, stretch
from kado.queries.beam import BeamState
from kado.rounding import NONE, count, duration, percent
from kado.service.live_figures import LiveFigures
from storage.store import LastValue


def link_lines(sources: Mapping[str, SourceStatus], zone: tzinfo) -> tuple[str, ...]:
    """Return a line for each source: connected or not, since when, and why it failed last."""
    return tuple(_line(source, status, zone) for source, status in sources.items())


def _line(source: str, status: SourceStatus, zone: tzinfo) -> str:
    since = local(status.since_ns, zone)[5:]
    line = tr("{source} {state} since {time}", source=source, state=words(status.state.words), time=since)
    again = status.connects - 1
    reconnects = trn(", {n} reconnection", ", {n} reconnections", again) if again > 0 else ""
    error = f": {status.last_error}" if status.last_error and status.state != "up" else ""
    limits = "".join(f"; {text}" for text, _ in status.notices)
    return line + reconnects + error + limits


_TODAY, _MONTH, _YEAR = marked("today"), marked("this month"), marked("this year")
_STYLES: Final = {
    BeamState.UP: "bold green",
    BeamState.LOW: "bold yellow",
    BeamState.NONE: "bold red",
    BeamState.UNKNOWN: "bold magenta",
}


@dataclass(frozen=True, slots=True)
class LiveView:
    """Everything that the screen shows."""

    profile: Profile
    definition: Definition
    plan: Plan
    now_ns: int
    newest: LastValue | None
    """Of the delivery signal."""
    figures: LiveFigures | None
    """None until the first are computed."""
    totals: tuple[SourceTotals, ...]
    links: tuple[str, ...]
    """A line for each source."""
    corrections: tuple[Correction, ...] = ()
    """Those in force that touch the running month."""
    warnings: tuple[str, ...] = ()
    """What makes the figures less trustworthy than they look."""
    service: str = ""
    """Whether the service runs; empty: it is this process."""
    problem: str = ""
    """Why the store cannot be read; empty: it can."""


def screen(view: LiveView) -> RenderableType:
    """Return the whole screen, 80 columns wide or wider."""
    head = Table.grid(expand=True)
    head.add_column(overflow="fold")
    head.add_column(justify="right", overflow="fold")
    head.add_row(_name(view), local(view.now_ns, view.profile.zone, offset=True))
    return Group(
        head,
        "",
        _beam(view),
        "",
        _figures(view),
        "",
        _ledger(view),
        *_beside(view),
        "",
        Text(tr("Stop with Ctrl-C"), style="dim"),
    )


def line(view: LiveView) -> str:
    """Return the same in one line of at most 80 columns: time, current, beam, figures of today and this month."""
    mark = f"{simulated_mark()} " if view.profile.simulated else ""
    at = local(view.now_ns, view.profile.zone)[11:]
    if view.problem:
        return f"{mark}{at} " + tr("the store cannot be read")
    parts = [_current(view)]
    if view.figures is None:
        parts.append(tr("figures are being computed"))
    else:
        parts.append(_state(view).plain)
        for name, part in ((_TODAY, _day(view)), (_MONTH, _month(view))):
            parts.append(f"{tr(name)} {percent(_pct(part))} %")
    if any(total.lost for total in view.totals):
        parts.append(tr("LOST SAMPLES"))
    return f"{mark}{at} " + ", ".join(parts)


def _beside(view: LiveView) -> list[RenderableType]:
    """Return what stands beside the figures: corrections in force, warnings, a store that cannot be read."""
    lines: list[RenderableType] = []
    if view.problem:
        lines.append(Text(tr("The store cannot be read: {problem}", problem=view.problem), style="bold red"))
    if any(total.lost for total in view.totals):
        lost = tr("samples were lost after acknowledgement: see kado ledger --verify")
        lines.append(Text(lost, style="bold red"))
    if view.corrections:
        newest = view.corrections[-SHOWN_CORRECTIONS:]
        n = len(view.corrections)
        lines.append(Text(trn("{n} correction in force this month", "{n} corrections in force this month", n)))
        for c in newest:
            lines.append(Text(f"  {correction_words(c)}  {stretch(c.start_ns, c.end_ns, view.profile.zone)}"))
    lines += [Text(tr("Warning: {warning}", warning=warning), style="yellow") for warning in view.warnings]
    return ["", *lines] if lines else []


SHOWN_CORRECTIONS: Final = 3
"""The last ones, so that the screen stays one screen."""


def _name(view: LiveView) -> Text:
    text = Text()
    if view.profile.simulated:
        text.append(f" {simulated_mark()} ", style="bold black on yellow").append("  ")
    return text.append(words(view.profile.name), style="bold")


def _beam(view: LiveView) -> RenderableType:
    grid = _grid()
    target = view.profile.target
    label = view.profile.delivery.label
    name = words(label) if label else view.profile.delivery_signal
    bar: RenderableType = ""
    if target is not None:
        value = view.newest.value if view.newest is not None and view.newest.value > 0 else 0.0
        bar = Table.grid(padding=(0, 1))
        share = tr(
            "{share} % of {target:g} {unit}",
            share=percent(100 * value / target),
            target=target,
            unit=view.profile.delivery.unit,
        )
        bar.add_row(
            ProgressBar(total=target, completed=min(value, target), width=10, complete_style="green"), Text(share)
        )
    grid.add_row(name, Text(_current(view), style="bold"), bar)
    grid.add_row(tr("Beam"), _state(view), _since(view))
    event = _event(view)
    if event is not None:
        lost = tr("{lost} of user time so far", lost=duration(event.user_time.total))
        grid.add_row(tr("Event"), Text(term(event.kind.value), style="bold"), lost)
    block = _block(view)
    until = "" if block is None else tr("until {time}", time=local(block.end_ns, view.profile.zone)[:16])
    grid.add_row(tr("Planned"), Text(_planned(view), style="bold"), until)
    grid.add_row(tr("Newest"), tr("{age} ago", age=_age(view)), "")
    links = Table.grid(padding=(0, 2, 0, 0))
    if view.service:
        links.add_row(tr("Service"), view.service)
    for i, link in enumerate(view.links):
        links.add_row("" if i else tr("Link"), link)
    return Group(grid, links)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        grid.add_column(no_wrap=True, overflow="fold")
    return grid


def _figures(view: LiveView) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(tr("Availability"), overflow="fold")
    for heading in ("%", tr("lower"), tr("upper"), tr("coverage %"), term("no_beam"), "N"):
        table.add_column(heading, justify="right", overflow="fold")
    rows = ((tr(_TODAY), _day(view)), (tr(_MONTH), _month(view)), (tr(_YEAR), _year(view)))
    for name, part in rows:
        if part is None:
            table.add_row(name, "..." if view.figures is None else NONE)
            continue
        f = part.figures
        table.add_row(
            name,
            Text(percent(f.availability_pct), style="bold"),
            percent(f.availability_lower_pct),
            percent(f.availability_upper_pct),
            percent(f.coverage_pct),
            duration(part.accounts.no_beam),
            count(part.counts.failures),
        )
    rule = tr(
        "provisional; definition {definition}: {title}",
        definition=view.definition.id,
        title=words(view.definition.title),
    )
    return Group(table, Text(rule, style="dim"))


def _ledger(view: LiveView) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(tr("Samples"), overflow="fold")
    for name, sign in zip(LEDGER, (" =", " +", " +", " +", " +", ""), strict=True):
        table.add_column(term(name) + sign, justify="right", overflow="fold")
    table.add_row("", *_sums(view.totals))
    return table


def _sums(totals: tuple[SourceTotals, ...]) -> list[str]:
    return [count(sum(getattr(t, name) for t in totals)) for name in LEDGER]


def _current(view: LiveView) -> str:
    if view.newest is None:
        return NONE
    doubt = "" if view.newest.quality == Quality.GOOD else f" ({term(Quality(view.newest.quality).word)})"
    return f"{view.newest.value:z.2f} {view.profile.delivery.unit}{doubt}"


def _state(view: LiveView) -> Text:
    if view.figures is None:
        return Text("...")
    return Text(words(view.figures.state.words), style=_STYLES[view.figures.state])


def _since(view: LiveView) -> str:
    if view.figures is None:
        return ""
    since = view.figures.since_ns
    if since is None:
        return tr("since before this month")
    since_words = tr("since {time} ({age})", time=local(since, view.profile.zone)[5:], age=age(since, view.now_ns))
    return tr("{since}, unknown before", since=since_words) if view.figures.after_unknown else since_words


def _event(view: LiveView) -> Event | None:
    return None if view.figures is None else view.figures.event


def _block(view: LiveView) -> Block | None:
    return view.plan.block_at(view.now_ns)


def _planned(view: LiveView) -> str:
    block = _block(view)
    return tr("nothing") if block is None else " ".join([term(block.category.value), *block.tags])


def _age(view: LiveView) -> str:
    if view.newest is None:
        return NONE
    return f"{max(0, view.now_ns - view.newest.time_ns) / NS_PER_S:.1f} s"


def _day(view: LiveView) -> Availability | None:
    return None if view.figures is None else view.figures.day


def _month(view: LiveView) -> Availability | None:
    return None if view.figures is None else view.figures.month


def _year(view: LiveView) -> Availability | None:
    return None if view.figures is None else view.figures.year


def _pct(part: Availability | None) -> float | None:
    return None if part is None else part.figures.availability_pct
