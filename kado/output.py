"""Tables for people, JSON for programs; both of a simulated facility say so."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from itertools import groupby
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from facility.profile import Profile
from facility.text import SIMULATED
from facility.time import NS_PER_S, format_time
from kado.language import marked, tr, words

# Nobody sees the edge of a pipe or a file: wide enough that nothing is cut there.
_NO_TERMINAL_WIDTH = 200
_DAYS, _HOURS, _MINUTES, _SECONDS = marked("{n} d"), marked("{n} h"), marked("{n} min"), marked("{n} s")


def terminal(*, stderr: bool = False) -> Console:
    """Return a console for stdout or stderr that honours NO_COLOR, COLUMNS and the lack of a terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _NO_TERMINAL_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def print_json(document: object) -> None:
    """Write one JSON document, with full precision; NaN and infinity are defects."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2))


def show(*parts: RenderableType) -> None:
    """Print to stdout."""
    screen = terminal()
    for part in parts:
        screen.print(part)


def note(text: str) -> None:
    """Print a line to stderr, beside the data."""
    print(text, file=sys.stderr)


def title(profile: Profile, what: str) -> Text:
    """Return the first line of what is shown of a facility, marked where it is simulated."""
    line = Text()
    if profile.simulated:
        line.append(f" {simulated_mark()} ", style="bold black on yellow")
        line.append("  ")
    line.append(f"{words(profile.name)}: {what}", style="bold")
    return line


def simulated_mark() -> str:
    """Return the words that stand on everything that is simulated."""
    return words(SIMULATED)


def table(left: Iterable[str] = (), right: Iterable[str] = (), *, order: Sequence[str] = ()) -> Table:
    """Make a table without frames; `right` names the columns of numbers. Headings are texts of the catalogue.

    Parameters
    ----------
    order
        All headings as they follow each other; without it `left`, then `right`.
    """
    numbers = set(right)
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for heading in order or [*left, *right]:
        made.add_column(
            tr(heading), justify="right" if heading in numbers else "left", no_wrap=heading in numbers, overflow="fold"
        )
    return made


def facts(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Return labels with what each says, one below the other. Labels are texts of the catalogue."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True, overflow="fold")
    made.add_column(overflow="fold")
    for label, value in rows:
        made.add_row(tr(label), value)
    return made


def span(start_ns: int, end_ns: int, zone: tzinfo) -> str:
    """Write an interval in the facility's own time, the offset from UTC with both ends."""
    return tr("{start} to {end}", start=local(start_ns, zone, offset=True), end=local(end_ns, zone, offset=True))


def stretch(start_ns: int, end_ns: int, zone: tzinfo) -> str:
    """Write a short interval in the facility's own time: the offset from UTC once, or with both ends if they differ."""
    start, end = local(start_ns, zone, offset=True), local(end_ns, zone, offset=True)
    return tr("{start} to {end}", start=start if start[20:] != end[20:] else start[:19], end=end)


def local(ns: int | None, zone: tzinfo, *, offset: bool = False) -> str:
    """Write an instant in the facility's own time, to the second; a dash for none."""
    if ns is None:
        return "–"
    text = format_time(ns // NS_PER_S * NS_PER_S, zone).replace("T", " ")
    return f"{text[:19]} {text[19:]}" if offset else text[:19]


def offsets_of(instants: Iterable[int], zone: tzinfo) -> str:
    """Return the zone's offset at instants that follow each other: ``+09:00``, or ``+02:00, then +01:00``."""
    return tr(", then ").join(
        offset for offset, _ in groupby(format_time(ns // NS_PER_S * NS_PER_S, zone)[19:] for ns in instants)
    )


def changed_offset(start_ns: int, end_ns: int, zone: tzinfo) -> str:
    """Return what stands behind the end of a stretch over a change of the clocks: its own offset; otherwise nothing."""
    start, end = (local(ns, zone, offset=True)[19:] for ns in (start_ns, end_ns))
    return end if end != start else ""


_SAME_CLOCK_NS: Final = 2 * NS_PER_S
"""So far may the clocks of this machine and of a source be apart, and both be right."""


def age(ns: int | None, now_ns: int) -> str:
    """Write how long ago an instant was."""
    if ns is None:
        return tr("never")
    if ns > now_ns + _SAME_CLOCK_NS:
        return tr("{length} ahead of now", length=_length(ns - now_ns))
    return _length(max(0, now_ns - ns))


def _length(length_ns: int) -> str:
    seconds = length_ns // NS_PER_S
    for text, length in ((_DAYS, 86_400), (_HOURS, 3_600), (_MINUTES, 60)):
        if seconds >= 2 * length:
            return tr(text, n=seconds // length)
    return tr(_SECONDS, n=seconds)
