"""User time by the tags of the calendar, such as beamlines: beside the machine's figure, never averaged into it."""

from dataclasses import dataclass

from analytics.availability import Availability
from analytics.conditions import Kind
from facility.definition import Definition
from facility.interval import Intervals
from facility.schedule import Plan


@dataclass(frozen=True, slots=True)
class TagTime:
    """What the blocks with one tag had, in ns; a block with several tags counts for each."""

    user_time: int
    delivered: int
    no_beam: int
    unknown: int


def by_tag(availability: Availability, plan: Plan, definition: Definition, refill: Intervals) -> dict[str, TagTime]:
    """Return the user time of each tag in the counted part of a period, in order of name.

    Parameters
    ----------
    availability
        Of the period, by `definition`.
    refill
        Where the machine's mode was refill; taken out of delivered time if the definition does so.
    """
    tags = sorted({tag for b in plan.blocks if b.category.is_user_time for tag in b.tags})
    times = {tag: user_time_of(tag, availability, plan, definition, refill)[1] for tag in tags}
    return {tag: time for tag, time in times.items() if time.user_time}


def user_time_of(
    tag: str | None, availability: Availability, plan: Plan, definition: Definition, refill: Intervals
) -> tuple[Intervals, TagTime, Intervals]:
    """Return the user time with a tag in the counted part of a period, what it had, and where it was delivered.

    Without a tag, all user time; see `by_tag`.
    """
    start, end = availability.period.start_ns, availability.counted_until_ns
    counted = (
        r.event.user_time
        for r in availability.events
        if r.event.kind is Kind.NO_BEAM and (definition.trips_are_downtime or not r.trip)
    )
    no_beam = Intervals.of(pair for time in counted for pair in time)
    blocks = (b for b in plan.blocks if b.category.is_user_time and (tag is None or tag in b.tags))
    time = Intervals.of((b.start_ns, b.end_ns) for b in blocks).clip(start, end)
    unknown = time & availability.unknown
    delivered = time - no_beam - unknown
    if not definition.refill_is_delivered:
        delivered -= refill
    return time, TagTime(time.total, delivered.total, (time & no_beam).total, unknown.total), delivered
