"""Reads a period a piece after the other: a year takes no more memory than a week."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from analytics.availability import check_schedule, counted_part
from facility.definition import Definition
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan, ScheduleVersion, resolve
from facility.time import NS_PER_DAY, Clock
from kado.config import Configuration
from kado.queries.evidence import Known, check_known, extent_of, load_evidence
from kado.queries.record import AsOf, Record, load_record, read_as_of
from kado.stores import open_store

PIECE_NS: Final = 8 * NS_PER_DAY
"""Time that is looked at together."""

Progress = Callable[[int, int], None]
"""Called with how much of the period is done, and with all of it, ns."""


@dataclass(frozen=True, slots=True)
class PeriodQuery:
    """A period that a question is about, with all that people decided and published."""

    configuration: Configuration
    record: Record
    as_of: AsOf
    now_ns: int
    period: Period
    part: Period
    """What of it is over."""

    @property
    def profile(self) -> Profile:
        """The facility's."""
        return self.configuration.profile

    @property
    def as_known_on_ns(self) -> int:
        """The date that the figures are as known on."""
        return self.as_of.known_on_ns

    def plan(self, definition: Definition, without: Sequence[ScheduleVersion] = ()) -> Plan:
        """Return the calendar with the definition's notice, some versions left out."""
        versions = [v for v in self.record.versions if not any(v is other for other in without)]
        return resolve(versions, notice_ns=definition.notice_ns)


def period_query(
    configuration: Configuration,
    period: str | Period,
    definition: Definition,
    as_known_on: str | AsOf | None,
    clock: Clock,
) -> PeriodQuery:
    """Read what people recorded, and the period as people write it.

    Raises
    ------
    PeriodError
        If the period cannot be read, or lies wholly in the future.
    """
    now_ns = clock()
    as_of = read_as_of(as_known_on, now_ns)
    record = load_record(configuration, as_of)
    if isinstance(period, str):
        period = configuration.profile.period(period, resolve(record.versions, notice_ns=definition.notice_ns))
    return PeriodQuery(
        configuration, record, as_of, now_ns, period, counted_part(configuration.profile, period, now_ns)
    )


def read_pieces(
    query: PeriodQuery, definitions: Sequence[Definition], progress: Progress | None = None
) -> Iterator[tuple[Period, Known]]:
    """Yield pieces of the period that is over, each with all that its figures by any of `definitions` depend on.

    Raises
    ------
    PeriodError
        If nothing is scheduled in it, or it lies before anything is known.
    ProfileError
        If there is user time before the profile's first limits.
    """
    profile, part = query.profile, query.part
    plans = [query.plan(d) for d in definitions]
    with open_store(query.configuration) as store:
        extent = extent_of(store, profile)
        for plan in plans:
            check_schedule(profile, plan, part)
        check_known(profile, part, extent, query.record.corrections)
        cancelled = Intervals.of(span for plan in plans for span in plan.cancelled)
        if progress is not None:
            progress(0, part.length_ns)
        for piece in pieces_of(part):
            yield (
                piece,
                load_evidence(
                    query.configuration,
                    store.read,
                    extent,
                    definitions,
                    piece,
                    query.record.corrections,
                    query.now_ns,
                    cancelled,
                    counts_until_ns=max(
                        (u for p in plans if (u := user_time_until(p, piece)) is not None), default=None
                    ),
                ),
            )
            if progress is not None:
                progress(piece.end_ns - part.start_ns, part.length_ns)


def user_time_until(plan: Plan, part: Period) -> int | None:
    """Return when the last user time in a stretch of time ends, by the calendar; None if there is none in it."""
    user_time = plan.user_time.clip(part.start_ns, part.end_ns)
    return int(user_time.end[-1]) if user_time else None


def pieces_of(part: Period) -> list[Period]:
    """Return a stretch of time in pieces whose samples fit into little memory."""
    edges = [*range(part.start_ns, part.end_ns, PIECE_NS), part.end_ns]
    return [Period(part.id, start, end) for start, end in pairwise(edges)]
