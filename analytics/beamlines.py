"""Hours of each beamline: beside the machine's figure, never averaged into it."""

from dataclasses import dataclass

import numpy as np

from analytics.availability import Availability
from analytics.links import LinkLoss
from analytics.mode import credible_words
from analytics.tags import TagTime, user_time_of
from facility.batch import Samples
from facility.definition import Definition
from facility.interval import Intervals
from facility.profile import Beamline
from facility.schedule import Plan


@dataclass(frozen=True, slots=True)
class ShutterTime:
    """A shutter's states in its beamline's user time, in ns; the three add up to the user time."""

    open: int
    closed: int
    unknown: int
    """No state yet, a state of bad quality, or the link was lost and no state has arrived since."""
    open_with_beam: int
    """The part of `open` in which the machine delivered."""


@dataclass(frozen=True, slots=True)
class BeamlineTime:
    """One beamline in one period."""

    beamline: Beamline
    machine: TagTime
    """What the machine had for it, in the beamline's own user time."""
    shutter: ShutterTime | None
    """None where the shutter is not recorded."""


def beamline_time(
    beamline: Beamline,
    availability: Availability,
    plan: Plan,
    definition: Definition,
    refill: Intervals,
    shutter_states: Samples | None,
    link: LinkLoss,
) -> BeamlineTime:
    """Return the hours of a beamline in the counted part of a period.

    Parameters
    ----------
    availability
        The machine's, by `definition`.
    refill
        Where the machine's mode was refill; taken out of delivered time if the definition does so.
    shutter_states
        The shutter's series, the last state before the period included; None: it is not recorded.
    link
        Where the link of the shutter's source was lost: a state ends there, and none is known until it is back.
    """
    start, end = availability.period.start_ns, availability.counted_until_ns
    time, machine, delivered = user_time_of(beamline.tag, availability, plan, definition, refill)
    if shutter_states is None:
        return BeamlineTime(beamline, machine, None)
    opened, known = _states(shutter_states, beamline.open, link, start, end)
    opened, unknown = opened & time, time - known
    closed = time - opened - unknown
    shutter = ShutterTime(opened.total, closed.total, unknown.total, (opened & delivered).total)
    return BeamlineTime(beamline, machine, shutter)


def _states(
    states: Samples, words: tuple[str, ...], link: LinkLoss, start: int, end: int
) -> tuple[Intervals, Intervals]:
    """Return where a series is in one of `words`, and where its state is known; a state holds to the next or a cut."""
    starts = states.time_ns
    ends = np.append(starts[1:], end)
    following = np.searchsorted(link.cuts, starts, side="right")
    cut = following < len(link.cuts)
    ends[cut] = np.minimum(ends[cut], link.cuts[following[cut]])
    silent = link.down.cover(starts)
    ends[silent] = starts[silent]
    credible = credible_words(states)
    wanted = np.array([word in words for word in credible], dtype=bool)
    known = np.array([word is not None for word in credible], dtype=bool)
    return (
        Intervals.from_arrays(starts[wanted], ends[wanted]).clip(start, end),
        Intervals.from_arrays(starts[known], ends[known]).clip(start, end),
    )
