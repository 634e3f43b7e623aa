"""Kinds of time in as much detail as a picture can show: an archive may have gaps by the million."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from facility.interval import Intervals

MOST_A_KIND: Final = 4_000
"""A kind of time with more intervals is drawn by slots."""
SLOTS: Final = 8_000
"""Into so many slots a period is cut then: 66 minutes of a year, 6 minutes of a month."""


def drawn_kinds(
    kinds: Mapping[str, Intervals], start_ns: int, end_ns: int, *, most: int = MOST_A_KIND, slots: int = SLOTS
) -> dict[str, Intervals]:
    """Return kinds of time for a picture of ``[start_ns, end_ns)``.

    Kinds with few intervals, such as outages, stay as they are. Where several have more than a picture can show, as
    beam and the gaps between samples, each slot is drawn as the one of them that takes most of it.

    Parameters
    ----------
    kinds
        Each kind of time, without overlap.
    most
        A kind with more intervals is drawn by slots.
    slots
        Into so many the time is cut then.

    Returns
    -------
    dict
        The same kinds, together the same time, without overlap.
    """
    many = [name for name, time in kinds.items() if len(time) > most]
    if not many:
        return dict(kinds)
    together = Intervals.from_arrays(
        np.concatenate([kinds[name].start for name in many]), np.concatenate([kinds[name].end for name in many])
    )
    edges = np.linspace(start_ns, end_ns, slots + 1).astype(np.int64)
    edges[0], edges[-1] = start_ns, end_ns
    parts = np.stack([np.diff(kinds[name].total_until(edges)) for name in many])
    largest = parts.argmax(axis=0)
    drawn = dict(kinds)
    for i, name in enumerate(many):
        taken = Intervals.from_arrays(edges[:-1][largest == i], edges[1:][largest == i])
        drawn[name] = taken & together
    return drawn
