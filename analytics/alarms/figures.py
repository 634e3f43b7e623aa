"""Figures of the alarm system itself: how many annunciations, floods, chattering and standing alarms, how answered.

An operating position is a facility. Targets are those that public summaries of ISA-18.2 give.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from analytics.figures import percentage
from facility.alarms import AlarmState, Cause, Priority, Transition
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, to_s

INTERVAL_NS: Final = 600 * NS_PER_S
"""Annunciations are counted in intervals of ten minutes from the start of the period."""
FLOOD_ABOVE: Final = 10
"""More annunciations than this in an interval begin a flood."""
FLOOD_BELOW: Final = 5
"""Fewer than this end it."""
HOUR_ABOVE: Final = 30
CHATTER_COUNT: Final = 3
CHATTER_NS: Final = 60 * NS_PER_S
STANDING_NS: Final = NS_PER_DAY

_IN_ALARM = (AlarmState.UNACKED, AlarmState.ACKED)


@dataclass(frozen=True, slots=True)
class Flood:
    """Intervals that follow each other, from one of more than 10 to the first of fewer than 5."""

    start_ns: int
    end_ns: int
    """Start of the interval that ended it, or the end of the period."""
    alarms: int
    """Annunciations in it."""
    peak: int
    """Annunciations in its worst interval."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that was unacked or acked for more than 24 h without a break."""

    alarm: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Frequent:
    """How often one alarm was annunciated."""

    alarm: str
    count: int
    share_pct: float


@dataclass(frozen=True, slots=True)
class Away:
    """An alarm that people hid: on the shelf, or out of service."""

    alarm: str
    state: AlarmState
    start_ns: int
    end_ns: int
    by: str | None


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """The figures of one period; None where there is nothing to divide by."""

    start_ns: int
    end_ns: int
    annunciated: int
    per_day: float
    per_hour: float
    per_10min: float
    max_per_10min: int
    intervals_over_10_pct: float
    hours_over_30_pct: float
    floods: tuple[Flood, ...]
    flood_time_pct: float
    top_ten: tuple[Frequent, ...]
    top_ten_pct: float | None
    """Share of the ten most frequent, percent."""
    chattering: tuple[str, ...]
    """Alarms with three annunciations within 60 s."""
    standing: tuple[Standing, ...]
    by_priority: Mapping[str, int]
    """Annunciations of each priority that occurs."""
    acknowledged: int
    """Annunciations that were acknowledged before the next one of the same alarm."""
    never_acknowledged: int
    ack_median_s: float | None
    answered_in_time_pct: float | None
    """Share of all annunciations acknowledged within the rule's ``respond_within_s``, percent."""
    away: tuple[Away, ...]
    suppressed_while_unacked: int


def assess(
    rows: Iterable[Transition],
    start_ns: int,
    end_ns: int,
    respond_within_s: Mapping[str, float] | None = None,
) -> AlarmFigures:
    """Return the figures of ``[start_ns, end_ns)`` from its rows.

    Parameters
    ----------
    rows
        Journaled rows of the period, in any order, and those before it of alarms that were in alarm, shelved or out of
        service when it began: what lasts into the period is counted as standing and away from its true beginning.
    respond_within_s
        For each alarm how soon it was to be answered; those that are missing count as never in time.
    """
    known = sorted((r for r in rows if r.time_ns < end_ns), key=lambda r: (r.time_ns, r.seq))
    ordered = [r for r in known if r.time_ns >= start_ns]
    annunciated = [r for r in ordered if r.annunciated]
    length = end_ns - start_ns
    per_interval = _counts(annunciated, start_ns, length, INTERVAL_NS)
    per_hour = _counts(annunciated, start_ns, length, NS_PER_H)
    floods = _floods(per_interval, start_ns, end_ns)
    counts = Counter(r.alarm for r in annunciated)
    total = len(annunciated)
    top = [Frequent(alarm, n, 100.0 * n / total) for alarm, n in sorted(counts.items(), key=lambda x: (-x[1], x[0]))]
    answers = _answers(ordered)
    within = respond_within_s or {}
    in_time = sum(to_s(after) <= within.get(alarm, -1.0) for alarm, after in answers)
    return AlarmFigures(
        start_ns=start_ns,
        end_ns=end_ns,
        annunciated=total,
        per_day=total * NS_PER_DAY / length,
        per_hour=total * NS_PER_H / length,
        per_10min=total * INTERVAL_NS / length,
        max_per_10min=max(per_interval),
        intervals_over_10_pct=100.0 * sum(n > FLOOD_ABOVE for n in per_interval) / len(per_interval),
        hours_over_30_pct=100.0 * sum(n > HOUR_ABOVE for n in per_hour) / len(per_hour),
        floods=floods,
        flood_time_pct=percentage(sum(f.end_ns - f.start_ns for f in floods), length) or 0.0,
        top_ten=tuple(top[:10]),
        top_ten_pct=percentage(sum(f.count for f in top[:10]), total),
        chattering=tuple(sorted(alarm for alarm in counts if _chatters(annunciated, alarm))),
        standing=_standing(known, start_ns, end_ns),
        by_priority={p.value: n for p in Priority if (n := sum(r.priority is p for r in annunciated))},
        acknowledged=len(answers),
        never_acknowledged=total - len(answers),
        ack_median_s=to_s(round(median(after for _, after in answers))) if answers else None,
        answered_in_time_pct=100.0 * in_time / total if total and respond_within_s is not None else None,
        away=_away(known, start_ns, end_ns),
        suppressed_while_unacked=sum(
            r.from_state is AlarmState.UNACKED and r.to_state is AlarmState.SUPPRESSED for r in ordered
        ),
    )


def _counts(rows: Sequence[Transition], start_ns: int, length_ns: int, step_ns: int) -> list[int]:
    counts = [0] * max(1, -(-length_ns // step_ns))
    for row in rows:
        counts[(row.time_ns - start_ns) // step_ns] += 1
    return counts


def _floods(counts: Sequence[int], start_ns: int, end_ns: int) -> tuple[Flood, ...]:
    found: list[Flood] = []
    first: int | None = None
    for i, count in enumerate((*counts, 0)):
        if first is None and count > FLOOD_ABOVE:
            first = i
        elif first is not None and count < FLOOD_BELOW:
            inside = counts[first:i]
            end = min(start_ns + i * INTERVAL_NS, end_ns)
            found.append(Flood(start_ns + first * INTERVAL_NS, end, sum(inside), max(inside)))
            first = None
    return tuple(found)


def _chatters(rows: Sequence[Transition], alarm: str) -> bool:
    times = [r.time_ns for r in rows if r.alarm == alarm]
    last = CHATTER_COUNT - 1
    return any(times[i + last] < times[i] + CHATTER_NS for i in range(len(times) - last))


def _answers(rows: Sequence[Transition]) -> list[tuple[str, int]]:
    """Return (alarm, time to its first acknowledgement) of each annunciation that had one before the next."""
    open_at: dict[str, int] = {}
    found: list[tuple[str, int]] = []
    for row in rows:
        if row.annunciated:
            open_at[row.alarm] = row.time_ns
        elif row.cause is Cause.ACKNOWLEDGED and row.alarm in open_at:
            found.append((row.alarm, row.time_ns - open_at.pop(row.alarm)))
    return found


def _standing(rows: Sequence[Transition], start_ns: int, end_ns: int) -> tuple[Standing, ...]:
    since: dict[str, int] = {}
    found: list[Standing] = []
    for row in rows:
        if row.to_state in _IN_ALARM:
            since.setdefault(row.alarm, row.time_ns)
        elif row.alarm in since:
            found.append(Standing(row.alarm, since.pop(row.alarm), row.time_ns))
    found += [Standing(alarm, start, end_ns) for alarm, start in since.items()]
    standing = (s for s in found if s.end_ns > start_ns and s.end_ns - s.start_ns > STANDING_NS)
    return tuple(sorted(standing, key=lambda s: (s.start_ns, s.alarm)))


def _away(rows: Sequence[Transition], start_ns: int, end_ns: int) -> tuple[Away, ...]:
    hidden = (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
    since: dict[str, Transition] = {}
    found: list[Away] = []
    for row in rows:
        begun = since.pop(row.alarm, None)
        if begun is not None:
            found.append(Away(row.alarm, begun.to_state, begun.time_ns, row.time_ns, begun.by))
        if row.to_state in hidden:
            since[row.alarm] = row
    found += [Away(alarm, row.to_state, row.time_ns, end_ns, row.by) for alarm, row in since.items()]
    return tuple(sorted((a for a in found if a.end_ns > start_ns), key=lambda a: (a.start_ns, a.alarm)))
