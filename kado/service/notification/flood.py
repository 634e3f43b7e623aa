"""A flood of alarms: medium and low ones become one summary in ten minutes. A pure policy."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from analytics.alarms.figures import FLOOD_ABOVE, INTERVAL_NS
from kado.service.notification.notice import Notice, NoticeKind

SUMMARY: Final = "alarm_flood"
"""Name under which a summary is sent."""
SUMMARY_AFTER_NS: Final = INTERVAL_NS
"""A summary is sent so long after the first change that it holds."""

Row = tuple[int, Notice]
"""Id in the outbox, and what happened."""


class FloodWatch:
    """Tells whether an instant is in a flood: more than ten annunciations in the ten minutes up to it."""

    def __init__(self) -> None:
        self._times: deque[tuple[int, str, int]] = deque()

    def note(self, time_ns: int, alarm: str, seq: int) -> None:
        """Count an annunciation; the same one is counted once."""
        entry = (time_ns, alarm, seq)
        if entry not in self._times:
            self._times.append(entry)

    def flood(self, now_ns: int) -> bool:
        """Return whether now, the instant of the newest annunciation or later, is in a flood."""
        while self._times and self._times[0][0] <= now_ns - INTERVAL_NS:
            self._times.popleft()
        return sum(time <= now_ns for time, _, _ in self._times) > FLOOD_ABOVE


def split_flood(
    waiting: Iterable[tuple[int, int, Notice]], now_ns: int, group_ns: int, *, raised_only: bool
) -> tuple[list[Row], list[Row]]:
    """Divide waiting rows into those to be sent one by one now, and those of a summary that is due.

    What is in neither waits on: rows of a summary that is not due, and later rows of the same alarm.

    Parameters
    ----------
    group_ns
        Rows of one class are sent together, so long after the first of them.
    raised_only
        Whether only raises become part of a summary, and ends are always sent.
    """
    rows = list(waiting)
    held = [r for r in rows if _of_summary(r[2], raised_only)]
    due = bool(held) and _passed(held[0][1], SUMMARY_AFTER_NS, now_ns)
    summary = [(i, n) for i, _, n in held] if due else []
    blocked: set[str] = set()
    single: list[tuple[int, int, Notice]] = []
    for row in rows:
        if _of_summary(row[2], raised_only):
            if not due:
                blocked.add(row[2].alarm)
        elif row[2].alarm not in blocked:
            single.append(row)
    first: dict[str, int] = {}
    for _, created_ns, notice in single:
        first.setdefault(notice.class_, created_ns)
    ready = [(i, n) for i, _, n in single if _passed(first[n.class_], group_ns, now_ns)]
    return ready, summary


def _passed(since_ns: int, for_ns: int, now_ns: int) -> bool:
    """Return whether so long has passed; a clock that was put back does not hold anything up."""
    return not 0 <= now_ns - since_ns < for_ns


def _of_summary(notice: Notice, raised_only: bool) -> bool:
    return notice.flood and (not raised_only or notice.kind is NoticeKind.RAISED)
