"""The occurrences of events: start and end of each as the file says them."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from facility.errors import ScheduleError
from facility.ics.events import Event, Period
from facility.ics.moments import Kind, Length, Moment, later_by_days
from facility.ics.rule import Work
from facility.sentence import Sentence
from facility.time import MAX_NS, NS_PER_S, format_time, to_datetime

MAX_OCCURRENCES = 100_000
"""Of all events of a file together."""
_MARGIN = timedelta(days=2)
"""More than any two zones differ."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event, once."""

    event: Event
    start_ns: int
    end_ns: int
    cancelled: bool


class Series:
    """Spells out events within a span; dates and times without a zone are in the facility's zone."""

    def __init__(self, own: tzinfo, start_ns: int, end_ns: int, work: Work) -> None:
        self._own = own
        self._span = start_ns, end_ns
        self._work = work
        self._made = 0
        self.problems: list[Sentence] = []
        self.warnings: list[str] = []

    def occurrences(self, events: Sequence[Event]) -> list[Occurrence]:
        """Return the occurrences of all events that touch the span; `problems` gets what is not clear."""
        found: list[Occurrence] = []
        for group in _by_uid(events):
            masters = [e for e in group if e.replaces is None]
            if len(masters) > 1:
                self.problems.append(
                    Sentence(
                        "{event} has the same UID {uid!r} as {other}: which one holds cannot be known; give each its "
                        "own UID",
                        event=masters[1].name,
                        uid=masters[1].uid,
                        other=masters[0].name,
                    )
                )
                continue
            try:
                found += self._group(masters[0] if masters else None, [e for e in group if e.replaces is not None])
            except ScheduleError as error:
                self.problems.append(Sentence("{error}", error=error))
        return found

    def _group(self, master: Event | None, changed: Sequence[Event]) -> list[Occurrence]:
        replaced: dict[datetime | int, Event] = {}
        for event in changed:
            assert event.replaces is not None
            if master is not None and (event.replaces.kind is Kind.DATE) != (master.start.kind is Kind.DATE):
                raise ScheduleError(
                    Sentence(
                        "{event}: its RECURRENCE-ID is not of the kind of {master}",
                        event=event.name,
                        master=master.name,
                    )
                )
            with _naming(event):
                key = self._key(event.replaces, event.replaces.local)
            if key in replaced:
                raise ScheduleError(
                    Sentence(
                        "{event} replaces the same occurrence as {replaced}: which one holds cannot be "
                        "known; remove one",
                        event=event.name,
                        replaced=replaced[key].name,
                    )
                )
            replaced[key] = event
        found: list[Occurrence] = []
        if master is not None:
            with _naming(master):
                found += self._repeated(master, replaced)
        for event in replaced.values():
            with _naming(event):
                found.append(self._occurrence(event, event.start, event.end))
        return [o for o in found if o.end_ns > self._span[0] and o.start_ns < self._span[1]]

    def _repeated(self, event: Event, replaced: dict[datetime | int, Event]) -> Iterator[Occurrence]:
        starts = dict(self._starts(event, replaced))
        for key, other in replaced.items():
            if key not in starts:
                raise ScheduleError(
                    Sentence("{other} replaces an occurrence that it does not have (RECURRENCE-ID)", other=other.name)
                )
        without = {self._key(m, m.local): m for m in event.without}
        for key, moment in without.items():
            if key not in starts and self._span[0] <= moment.instant(self._own) < self._span[1]:
                self.warnings.append(f"{event.name}: it does not repeat at its EXDATE {moment.local}, which is ignored")
        made = [
            self._occurrence(event, moment, end)
            for key, (moment, end) in starts.items()
            if key not in without and key not in replaced
        ]
        if isinstance(event.end, Moment):
            self._warn_of_other_ends(event, made)
        yield from made

    def _starts(
        self, event: Event, replaced: dict[datetime | int, Event]
    ) -> Iterator[tuple[datetime | int, tuple[Moment, Moment | Length]]]:
        """Yield key, start and end of all occurrences that may touch the span or are replaced."""
        start, lasts = event.start, self._lasts(event)
        yield self._key(start, start.local), (start, lasts)
        if event.rule is not None:
            event.rule.check_start(start.local, self._work)
            ids = [e.replaces.local for e in replaced.values() if e.replaces is not None]
            longest = timedelta(days=lasts.days, seconds=max(lasts.exact_ns, 0) // NS_PER_S)
            first = min([to_datetime(self._span[0]).replace(tzinfo=None) - longest, *ids]) - _MARGIN
            last = max([to_datetime(self._span[1]).replace(tzinfo=None), *ids]) + _MARGIN
            until = None if event.until is None else event.until.instant(self._own)
            for local in event.rule.times(start.local, first, last, self._work):
                if until is not None and start.at(local, self._own) > until:
                    break
                self._count()
                yield self._key(start, local), (replace(start, local=local), lasts)
        for further in event.further:
            self._count()
            moment, end = (further.start, further.end) if isinstance(further, Period) else (further, lasts)
            yield self._key(moment, moment.local), (moment, end)

    def _lasts(self, event: Event) -> Length:
        """Return how long each occurrence lasts: with ``DTEND`` exactly as long as the first (section 3.8.5.3)."""
        if isinstance(event.end, Length):
            return event.end
        if event.start.kind is Kind.DATE:
            return Length((event.end.local - event.start.local).days, 0)
        return Length(0, event.end.instant(self._own) - event.start.instant(self._own))

    def _warn_of_other_ends(self, event: Event, made: Sequence[Occurrence]) -> None:
        def clock(ns: int) -> str:
            return to_datetime(ns, self._own).strftime("%H:%M")

        first_start, first_end = (
            clock(m.instant(self._own)) for m in (event.start, event.end) if isinstance(m, Moment)
        )
        length = event.end.instant(self._own) - event.start.instant(self._own) if isinstance(event.end, Moment) else 0
        for occurrence in made:
            if occurrence.end_ns - occurrence.start_ns != length:
                continue  # A period with an end of its own.
            if clock(occurrence.start_ns) == first_start and clock(occurrence.end_ns) != first_end:
                self.warnings.append(
                    f"{event.name}: on {to_datetime(occurrence.start_ns, self._own):%Y-%m-%d} it ends at"
                    f" {clock(occurrence.end_ns)} and not at {first_end}: with DTEND each occurrence lasts exactly as"
                    " long as the first (RFC 5545); write that day as an event of its own if it is meant otherwise"
                )
                return

    def _count(self) -> None:
        self._made += 1
        if self._made > MAX_OCCURRENCES:
            raise ScheduleError(
                Sentence(
                    "the events of the file occur more than {max_occurrences:,} times between {span} and "
                    "{span_end}: read a shorter time",
                    max_occurrences=MAX_OCCURRENCES,
                    span=to_datetime(self._span[0]),
                    span_end=to_datetime(self._span[1]),
                )
            )

    def _occurrence(self, event: Event, start: Moment, end: Moment | Length) -> Occurrence:
        start_ns = start.instant(self._own)
        if isinstance(end, Moment):
            end_ns = end.instant(self._own)
        else:
            end_ns = start.at(later_by_days(start.local, end.days), self._own) + end.exact_ns
        if end_ns <= start_ns:
            raise ScheduleError(
                Sentence(
                    "it does not end after its start: {start_ns} to {end_ns}",
                    start_ns=format_time(start_ns, self._own),
                    end_ns=format_time(end_ns, self._own),
                )
            )
        return Occurrence(event, start_ns, _in_range(end_ns), event.cancelled)

    def _key(self, moment: Moment, local: datetime) -> datetime | int:
        """Return what two moments share that are the same occurrence: the day of a date, else the instant."""
        return local if moment.kind is Kind.DATE else moment.at(local, self._own)


@contextmanager
def _naming(event: Event) -> Generator[None]:
    try:
        yield
    except ScheduleError as error:
        if str(error).startswith("event "):
            raise
        raise ScheduleError(Sentence("{event}: {error}", event=event.name, error=error)) from error


def _in_range(end_ns: int) -> int:
    if end_ns > MAX_NS:
        raise ScheduleError(Sentence("its end lies outside the years 1678 to 2261"))
    return end_ns


def _by_uid(events: Sequence[Event]) -> list[list[Event]]:
    groups: dict[object, list[Event]] = {}
    for number, event in enumerate(events):
        groups.setdefault(number if event.uid is None else event.uid, []).append(event)
    return list(groups.values())
