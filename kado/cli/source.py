"""``kado source``."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from facility.errors import ProblemFoundError, UnreachableError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.language.terms import term
from kado.output import age, print_json, show, table, terminal, title
from kado.queries.probe import Heard, SignalHeard, heard_document, probe

DEFAULT_S = 10.0
FEWEST_ROWS = 20
"""Signals that are shown while a source is heard; at the end all are."""


def probe_source(
    source: Annotated[str | None, typer.Argument(help="Id of a source; default: all of them.")] = None,
    seconds: Annotated[float, typer.Option(min=0.5, max=3600, help="How long to listen to each source.")] = DEFAULT_S,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Listen to a source: show each signal live, and what to configure.

    Shows value, unit, quality, rate, age of the stamp, smallest change, clock error of the source, rejected samples,
    and the configuration lines that follow from them. Stores nothing, and does not disturb a running service.
    Ends with 1 if something is rejected or silent, with 3 if a source cannot be reached.

    \b
    Examples:
      kado source probe
      kado source probe ring --seconds 60
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    chosen = [s for s in configuration.sources if source in (None, s.id)]
    if not chosen:
        if not source:
            raise UsageError(Sentence("kado.toml has no source"))
        names = ", ".join(s.id for s in configuration.sources) or Sentence("none")
        raise UsageError(Sentence("no source is called {source!r}; there are {names}", source=source, names=names))
    console = terminal(stderr=True)
    found: list[Heard] = []
    for one in chosen:
        # On stderr, which leaves stdout to the data.
        with Live(console=console, transient=True, auto_refresh=False) as live:

            def look(heard: Heard, live: Live = live) -> None:
                if console.is_terminal:
                    live.update(signal_table(profile, heard, at_most=FEWEST_ROWS), refresh=True)

            found.append(probe(one, profile, system_clock, seconds, look))
    if output is Format.JSON:
        print_json(heard_document(profile, found))
    else:
        for heard in found:
            show(*_report(profile, heard))
    if unreachable := [heard.problem for heard in found if heard.problem and not any(s.quality for s in heard.signals)]:
        raise UnreachableError(unreachable[0])
    if wrong := sum(len(heard.rejected) + len(heard.notices) for heard in found):
        raise ProblemFoundError(
            trn(
                "{n} problem: see the rejected or silent signals above",
                "{n} problems: see the rejected or silent signals above",
                wrong,
            )
        )


def _report(profile: Profile, heard: Heard) -> list[RenderableType]:
    address = f"{heard.kind}, {heard.address}" if heard.address else heard.kind
    about = tr(
        "source {source} ({address}), {seconds:.0f} s", source=heard.source, address=address, seconds=heard.seconds
    )
    lines: list[RenderableType] = [title(profile, about), "", signal_table(profile, heard)]
    found = [tr("PROBLEM  {text}", text=heard.problem)] if heard.problem else []
    found += [tr("SILENT  {text}", text=notice) for notice in heard.notices]
    found += [tr("REJECTED  {text}", text=f"{r.address}: {r.detail}") for r in heard.rejected]
    lines += [Text(text, style="red") for text in found]
    if heard.proposals:
        lines += ["", tr("To set:"), *(Text(f"  {proposal.text(tr)}") for proposal in heard.proposals)]
    return [*lines, ""]


def signal_table(profile: Profile, heard: Heard, *, at_most: int | None = None) -> RenderableType:
    """Return a row for each signal."""
    rows = table(
        order=["signal", "value", "unit", "quality", "rate/s", "age", "smallest step", "clock"],
        right=["value", "rate/s", "age", "smallest step", "clock"],
    )
    for s in heard.signals[:at_most]:
        rows.add_row(
            s.signal.id,
            _value(s),
            s.signal.unit,
            f"{term(s.quality)} {s.reason}".strip() if s.quality else tr("nothing heard"),
            f"{s.rate_hz:.3g}" if s.updates else "",
            age(s.stamp_ns, heard.at_ns) if s.stamp_ns is not None else "",
            "" if s.dead_band is None else f"{s.dead_band:.3g}",
            "" if s.clock_offset_s is None else f"{s.clock_offset_s:+.3f} s",
        )
    if at_most is not None and len(heard.signals) > at_most:
        rows.add_row(trn("and {n} more signal", "and {n} more signals", len(heard.signals) - at_most))
    return rows


def _value(s: SignalHeard) -> str:
    if s.value is None:
        return ""
    return s.value if isinstance(s.value, str) else f"{s.value:z.6g}"
