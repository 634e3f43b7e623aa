"""The way from a machine's instruments to its listeners: what is lost, sent twice, late, or wrongly stamped."""

from dataclasses import replace
from typing import Final

import numpy as np

from facility.batch import Batch, Int64
from facility.interval import Intervals
from facility.time import NS_PER_DAY, NS_PER_S
from simulators.faults import Fault
from simulators.monitors import inside
from simulators.scenario import Effect
from simulators.seeds import stream

SENT_TWICE: Final = 1 / 3
AGAIN_WITHIN_S: Final = 2.0
SENT_LATE: Final = 1 / 2
LATE_WITHIN_S: Final = 3.0

ON_THE_WAY: Final = frozenset({Effect.LINK_OUTAGE, Effect.CLOCK_STEP, Effect.DUPLICATES, Effect.OUT_OF_ORDER})
"""What makes `send` change anything."""


def send(seed: int, day: int, batch: Batch, faults: tuple[Fault, ...]) -> Batch:
    """Return what is sent of a UTC day's samples, in the order in which it is sent.

    Parameters
    ----------
    batch
        Everything that the instruments measured on that day, in order of time.

    Returns
    -------
    Batch
        `time_ns` is the stamp; `arrival_ns` is the instant of sending, within the same day.
    """
    effects = {fault.effect for fault in faults} & ON_THE_WAY
    if Effect.LINK_OUTAGE in effects:
        batch = batch.take(~inside(batch.time_ns, faults, Effect.LINK_OUTAGE))
    if not effects - {Effect.LINK_OUTAGE}:
        return batch
    measured = batch.time_ns
    sent = measured.copy()
    which = np.arange(len(batch), dtype=np.int64)
    if Effect.OUT_OF_ORDER in effects:
        luck = stream(seed, "out_of_order", day).random((len(measured), 2))
        late = inside(measured, faults, Effect.OUT_OF_ORDER) & (luck[:, 0] < SENT_LATE)
        sent[late] += _ns(luck[late, 1] * LATE_WITHIN_S)
    if Effect.DUPLICATES in effects:
        luck = stream(seed, "duplicates", day).random((len(measured), 2))
        twice = np.flatnonzero(inside(measured, faults, Effect.DUPLICATES) & (luck[:, 0] < SENT_TWICE))
        sent = np.concatenate([sent, sent[twice] + _ns(luck[twice, 1] * AGAIN_WITHIN_S)])
        which = np.concatenate([which, twice])
    sent = np.minimum(sent, (day + 1) * NS_PER_DAY - 1)
    order = np.argsort(sent, kind="stable")
    stamps = measured + _shift(measured, faults)
    return replace(batch.take(which[order]), time_ns=stamps[which[order]], arrival_ns=sent[order])


def hold_back(batch: Batch, outages: Intervals, until_ns: int) -> Batch:
    """Return what of a batch is out before an instant, where nothing is while the broker is gone.

    Parameters
    ----------
    batch
        In the order in which it would be sent.
    outages
        What would be sent in one of them is sent at its end, in the same order.
    """
    arrival = batch.arrival_ns.copy()
    for start, end in outages:
        arrival[(arrival >= start) & (arrival < end)] = end
    order = np.argsort(arrival, kind="stable")
    order = order[arrival[order] < until_ns]
    return replace(batch.take(order.astype(np.int64, copy=False)), arrival_ns=arrival[order])


def _shift(measured: Int64, faults: tuple[Fault, ...]) -> Int64:
    """Return how far the clock is ahead at each instant; of two faults at once the later one says."""
    shift = np.zeros(len(measured), np.int64)
    for fault in faults:
        if fault.effect is Effect.CLOCK_STEP:
            shift[slice(*np.searchsorted(measured, [fault.start_ns, fault.end_ns]).tolist())] = fault.shift_ns
    return shift


def _ns(seconds: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Int64:
    """Return whole milliseconds, in ns."""
    return (seconds * 1000).astype(np.int64) * (NS_PER_S // 1000)
