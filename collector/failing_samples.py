"""The samples on which a commit fails: found by trial, so that all others can land."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from collector.arrival import Arrival
from collector.causes import Cause
from facility.batch import Batch
from facility.signals import LINK_WORDS, link_signal
from facility.source import Rejection

_LOG: Final = logging.getLogger(__name__)

_MOST_TRIALS: Final = 1_000
"""Then what is left of an arrival is not taken apart any further."""


@dataclass(slots=True)
class _Trials:
    """Commits on trial; each is undone."""

    fails: Callable[[Arrival], Exception | None]
    arrival: Arrival
    now_ns: int
    left: int = _MOST_TRIALS

    def batch(self, batch: Batch) -> Exception | None:
        self.left -= 1
        return self.fails(Arrival(self.arrival.source, batch))

    def rejected(self, rejected: tuple[Rejection, ...]) -> Exception | None:
        self.left -= 1
        return self.fails(Arrival(self.arrival.source, None, rejected))


def without_culprits(arrival: Arrival, fails: Callable[[Arrival], Exception | None], now_ns: int) -> Arrival | None:
    """Return an arrival whose commit succeeds: the samples on which it fails are rejected instead.

    Parameters
    ----------
    arrival
        Its commit has failed, and not because of the disk.
    fails
        Tries the commit of an arrival, undoes it, and returns what it raised; None if it succeeds.
    now_ns
        Arrival of the rejections.

    Returns
    -------
    Arrival or None
        None if it is not the arrival that is at fault: then not even a sample that is known to be good commits, or
        its commit fails although each part of it succeeds.
    """
    trials = _Trials(fails, arrival, now_ns)
    if fails(Arrival(arrival.source, _known_good(arrival, now_ns))) is not None:
        return None
    batch, refused = arrival.batch, ()
    if batch is not None and len(batch):
        batch, refused = _good_part(batch, trials)
    rejected = _storable(arrival.rejected, trials)
    repaired = replace(arrival, batch=batch, rejected=(*rejected, *refused))
    return repaired if fails(repaired) is None else None


def _known_good(arrival: Arrival, now_ns: int) -> Batch:
    facility = "" if arrival.batch is None else arrival.batch.facility
    return Batch.of_states(facility or "none", link_signal(arrival.source or "none"), [now_ns], LINK_WORDS[:1])


def _good_part(batch: Batch, trials: _Trials) -> tuple[Batch | None, tuple[Rejection, ...]]:
    error = trials.batch(batch)
    if error is None:
        return batch, ()
    if len(batch) == 1 or trials.left <= 0:
        return None, (_refused(batch, error, trials.now_ns),)
    middle = len(batch) // 2
    rows = np.arange(len(batch))
    first, first_refused = _good_part(batch.take(rows[:middle]), trials)
    second, second_refused = _good_part(batch.take(rows[middle:]), trials)
    good = [part for part in (first, second) if part is not None]
    return Batch.concat(good) if good else None, first_refused + second_refused


def _refused(batch: Batch, error: Exception, now_ns: int) -> Rejection:
    signal = batch.signals[int(batch.signal[0])]
    _LOG.error("%d samples of %s are set aside as dead letters: they cannot be stored", len(batch), signal,
               exc_info=error)  # fmt: skip
    detail = f"{signal}: storing it failed ({type(error).__name__}: {error})"
    state = int(batch.state[0])
    value = repr(float(batch.value[0])) if state < 0 else ascii(batch.words[state])
    payload = f"{signal} {value} {int(batch.time_ns[0])}".encode()
    return Rejection(Cause.PROCESSING_FAILED, signal, payload, ascii(detail[:500])[1:-1], now_ns, len(batch))


def _storable(rejected: tuple[Rejection, ...], trials: _Trials) -> tuple[Rejection, ...]:
    """Return rejections that can be kept; of those that cannot, the texts are left out and the count stays."""
    if not rejected or trials.rejected(rejected) is None:
        return rejected
    if len(rejected) > 1 and trials.left > 0:
        middle = len(rejected) // 2
        return _storable(rejected[:middle], trials) + _storable(rejected[middle:], trials)
    return tuple(
        replace(
            one, cause=Cause.PROCESSING_FAILED, address="", detail=f"rejected ({one.cause!a}); not kept", payload=b""
        )
        for one in rejected
    )
