"""Where a period lost user time, or nothing is known: stretches of time, for drawing."""

from typing import Any

from analytics.conditions import Kind
from facility.interval import Intervals
from facility.time import format_time
from kado.queries.availability import AvailabilityReport
from kado.queries.identity import identity

MOST: int = 2000
"""So many stretches of a kind are given at most, the longest ones."""


def lost_time_document(loaded: AvailabilityReport) -> dict[str, Any]:
    """Return the user time of the period without beam, with low beam, and unknown."""
    result, zone = loaded.availability, loaded.profile.zone
    part = loaded.part

    def of_kind(kind: Kind) -> Intervals:
        found = Intervals.empty()
        for reported in result.events:
            if reported.event.kind is kind and reported.event.distortion is None:
                found |= reported.event.user_time
        return found.clip(part.start_ns, part.end_ns)

    def spans(found: Intervals) -> list[list[str]]:
        longest = sorted(sorted(found, key=lambda s: s[0] - s[1])[:MOST])
        return [[format_time(a, zone), format_time(b, zone)] for a, b in longest]

    return {
        **identity(loaded.profile, definition=result.definition, period=result.period),
        "no_beam": spans(of_kind(Kind.NO_BEAM)),
        "low_beam": spans(of_kind(Kind.LOW_BEAM)),
        "unknown": spans(result.unknown),
    }
