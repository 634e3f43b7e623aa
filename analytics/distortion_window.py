"""How far to look beyond a period, so that each distortion that touches it is seen whole.

Whether a disturbance counts, and in which period, depends on all of it: on its first instant in user time, on its
length, on what it led into. It is over, whatever else is known, once its signal is back within its limits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from analytics.distortions import BEYOND, WITHIN, scores
from analytics.window import Breaks, ReadSamples, Window, load_window
from facility.batch import Samples
from facility.definition import Definition
from facility.distortion import Distortion
from facility.period import Period
from facility.profile import Profile
from facility.signals import Signal
from facility.time import NS_PER_DAY, NS_PER_H

LONGEST_NS: Final = 31 * NS_PER_DAY
"""A disturbance is followed no further than this; of a longer one, what lies beyond is left out."""

ReadHeld = Callable[[int, int], Samples]
"""Returns a further signal's samples stamped in ``[start_ns, end_ns)``, and the last one before."""

_GROWTH: Final = 4


@dataclass(frozen=True, slots=True)
class Reach:
    """What must be known for the disturbances of a period to be seen whole."""

    start_ns: int
    end_ns: int
    depends_from_ns: int
    """The findings depend on samples from here on; late samples stamped before this change nothing."""
    whole: bool
    """Whether that is over: nothing that comes later can change which disturbances there were."""


def reach_of(read: ReadHeld, distortion: Distortion, signal: Signal, part: Period, now_ns: int) -> Reach:
    """Find how far to look for one further signal; `part` alone where nothing runs at its edges."""
    depends_from, since = _before(read, distortion, signal, part.start_ns)
    start = part.start_ns if since is None else since
    if signal.stale_after_ns is None and (held := read(part.start_ns, part.start_ns)):
        # It holds into the part if it was taken of a beam that was there: that has to be seen too.
        start = min(start, max(int(held.time_ns[-1]), part.start_ns - LONGEST_NS))
    if _before(read, distortion, signal, part.end_ns)[1] is None:
        return Reach(start, part.end_ns, depends_from, True)
    limit, after, step = min(now_ns, part.end_ns + LONGEST_NS), part.end_ns, NS_PER_H
    while after < limit:
        before = min(after + step, limit)
        scored = scores(read(after, before).between(after, before), distortion, signal)
        within = scored.time_ns[scored.value == WITHIN]
        if len(within):
            return Reach(start, int(within[0]) + 1, depends_from, True)
        after, step = before, step * _GROWTH
    return Reach(start, max(limit, part.end_ns), depends_from, limit < now_ns)


def _before(read: ReadHeld, distortion: Distortion, signal: Signal, ns: int) -> tuple[int, int | None]:
    """Return the stamp of the last sample within the limits before `ns`, or the earliest stamp looked for.

    And a stamp before all that may have begun since and still run; None if nothing may.
    """
    earliest = ns - LONGEST_NS
    before, step, beyond = ns, NS_PER_H, False
    while before > earliest:
        piece = read(before - step, before)
        if not piece:
            break
        scored = scores(piece, distortion, signal)
        within = (scored.value == WITHIN).nonzero()[0]
        last = int(within[-1]) if len(within) else -1
        beyond |= bool((scored.value[last + 1 :] == BEYOND).any())
        if last >= 0:
            depends_from = max(int(scored.time_ns[last]), earliest)
            return depends_from, depends_from if beyond else None
        before, step = int(piece.time_ns[0]), step * _GROWTH
    return earliest, max(before, earliest) if beyond else None


def widened(
    window: Window,
    reaches: Sequence[Reach],
    read: ReadSamples,
    profile: Profile,
    definition: Definition,
    *,
    extent: tuple[int, int],
    now_ns: int,
    breaks: Breaks,
) -> Window:
    """Return the delivery signal's window, wide enough for further signals too; see `load_window`.

    Whether it is settled stays as it was: no distortion makes a figure provisional.
    """
    samples, start, end, cut = [window.samples], window.start_ns, window.end_ns, window.cut
    asked = min((r.start_ns for r in reaches), default=start)
    if asked < start:
        earlier = load_window(
            read, profile, definition, Period("before", asked, start), extent=extent, now_ns=start, breaks=breaks
        )
        samples.insert(0, earlier.samples.between(earlier.start_ns, start))
        start, cut = earlier.start_ns, cut or earlier.cut
    asked = min(max((r.end_ns for r in reaches), default=end), now_ns)
    if asked > end:
        rest, extent = Period("after", end, asked), (end, extent[1])
        later = load_window(read, profile, definition, rest, extent=extent, now_ns=now_ns, breaks=breaks)
        samples.append(later.samples.between(end, later.end_ns))
        end, cut = later.end_ns, cut or later.cut
    return Window(Samples.joined(samples), start, end, window.settled, cut)
