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
        Where the machine's mode said refill; taken out of delivered time if the definition does so.
    """
    start, end = availability.period.start_ns, availability.counted_until_ns
    counted = (
        r.event.user_time
        for r in availability.events
        if r.event.kind is Kind.NO_BEAM and (definition.trips_are_downtime or not r.trip)
    )
    no_beam = Intervals.of(pair for time in counted for pair in time)
    times: dict[str, TagTime] = {}
    for tag in sorted({tag for b in plan.blocks if b.category.is_user_time for tag in b.tags}):
        blocks = (b for b in plan.blocks if b.category.is_user_time and tag in b.tags)
        time = Intervals.of((b.start_ns, b.end_ns) for b in blocks).clip(start, end)
        if not time:
            continue
        unknown = time & availability.unknown
        delivered = time - no_beam - unknown
        if not definition.refill_is_delivered:
            delivered -= refill
        times[tag] = TagTime(time.total, delivered.total, (time & no_beam).total, unknown.total)
    return times
