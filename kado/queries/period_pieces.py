"""Reads a period a piece after the other: a year takes no more memory than a week."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from analytics.availability import check_schedule, counted_part
from facility.definition import Definition
from facility.errors import PeriodError
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Plan, ScheduleVersion, resolve
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, Clock, format_second
from kado.config import Configuration
from kado.queries.evidence import Known, check_known, extent_of, load_evidence
from kado.queries.record import AsOf, Record, load_record, load_schedule_versions, read_as_of
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
        period = _read_period(configuration, period, as_of, record, definition)
    return PeriodQuery(
        configuration, record, as_of, now_ns, period, counted_part(configuration.profile, period, now_ns)
    )


def _read_period(
    configuration: Configuration, period: str, as_of: AsOf, record: Record, definition: Definition
) -> Period:
    """Read a period as people write it; a run has to be in the calendar as it was known."""
    profile = configuration.profile
    try:
        return profile.period(period, resolve(record.versions, notice_ns=definition.notice_ns))
    except PeriodError:
        if as_of.is_now:
            raise
        versions = load_schedule_versions(configuration)
        run = profile.period(period, resolve(versions, notice_ns=definition.notice_ns))
        raise _known_later(profile, run, as_of, versions) from None


def check_calendar(query: PeriodQuery, plan: Plan) -> None:
    """Do as `check_schedule`; where the calendar was recorded or published later than the date asked for, say when."""
    profile, part = query.profile, query.part
    try:
        check_schedule(profile, plan, part)
    except PeriodError:
        if query.as_of.is_now:
            raise
        later = [v for v in load_schedule_versions(query.configuration) if v not in query.record.versions]
        later = [v for v in later if resolve([v]).intervals(*PLANNED_CATEGORIES).clip(part.start_ns, part.end_ns)]
        if not later:
            raise
        raise _known_later(profile, part, query.as_of, later) from None


def _known_later(profile: Profile, part: Period, as_of: AsOf, versions: Sequence[ScheduleVersion]) -> PeriodError:
    """Return the error for a period that was first planned after the date asked for."""
    zone = profile.zone
    covering = [v for v in versions if v.start_ns < part.end_ns and part.start_ns < v.end_ns]
    first = min(covering, key=lambda v: v.known_from_ns if as_of.published_on_ns is None else v.published_at_ns)
    recorded, published = (format_second(ns, zone) for ns in (first.known_from_ns, first.published_at_ns))
    if as_of.published_on_ns is not None:
        return PeriodError(
            Sentence(
                "nothing was planned in {period} as published on {date}: the first calendar version that plans it was"
                " published {published}; ask for that date or a later one",
                period=part.id,
                date=format_second(as_of.published_on_ns, zone),
                published=published,
            )
        )
    return PeriodError(
        Sentence(
            "nothing was planned in {period} as known on {date}: the first calendar version that plans it was recorded"
            " {recorded}, and states that it was published {published}; ask for the date on which it was recorded or a"
            " later one, or use --as-published-on for history that was imported later",
            period=part.id,
            date=format_second(as_of.known_on_ns, zone),
            recorded=recorded,
            published=published,
        )
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
            check_calendar(query, plan)
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
