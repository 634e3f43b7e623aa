"""The newest sample of each signal, known the moment it has landed."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.arrival import Arrival
from facility.batch import Batch
from facility.profile import Profile
from facility.quality import TIME_REASONS, Quality
from facility.signals import Signal
from facility.time import MIN_NS
from storage.store import LastValue

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_NEVER: Final = MIN_NS


@dataclass(frozen=True, slots=True)
class Newest:
    """What is newest of one signal."""

    time_ns: int
    """Stamp of the newest sample of any quality whose time can be true."""
    good_ns: int | None = None
    """Stamp of the newest good one; None: none was seen yet."""
    value: float = float("nan")
    """Of the newest good one; NaN for a state."""
    word: str | None = None
    """The same for a state."""
    known: bool = True
    """False where a state was followed by a sample that is not good: then nothing is known of it."""


class NewestValues:
    """Keeps the newest sample of each signal; written by the landing, read by any thread.

    A sample is good as the figures see it: of quality good or uncertain, with a time that can be true, finite, and not
    above the signal's ``physical_max``. A number that is not good is left out; a state that is not good makes the
    signal unknown.
    """

    def __init__(self, profile: Profile) -> None:
        self._signals = {signal.id: signal for signal in profile.signals}
        self._lock = threading.Lock()
        self._newest: dict[str, Newest] = {}

    def landed(self, arrivals: Sequence[Arrival], took_s: float) -> None:
        """Take notice of arrivals; see `collector.landing_observer`."""
        del took_s
        for arrival in arrivals:
            if arrival.batch is not None and len(arrival.batch):
                self._note(arrival.batch)

    def start_from(self, last: Mapping[str, LastValue]) -> None:
        """Take what a store holds, where nothing newer has landed since."""
        with self._lock:
            for name, sample in last.items():
                signal = self._signals.get(name)
                known = self._newest.get(name)
                if signal is None or (known is not None and known.time_ns >= sample.time_ns):
                    continue
                good = sample.quality != Quality.BAD and (
                    sample.state is not None if signal.type == "state" else _credible(signal, sample.value)
                )
                found = Newest(sample.time_ns, known=good)
                if good:
                    found = replace(found, good_ns=sample.time_ns, value=sample.value, word=sample.state)
                self._newest[name] = found

    def snapshot(self) -> dict[str, Newest]:
        """Return what is newest now, by signal."""
        with self._lock:
            return dict(self._newest)

    def _note(self, batch: Batch) -> None:
        untrue = np.isin(batch.reason, [i for i, word in enumerate(batch.words) if word in TIME_REASONS])
        believed = ~((batch.quality == Quality.UNCERTAIN) & untrue)
        for code, name in enumerate(batch.signals):
            signal = self._signals.get(name)
            if signal is None:
                continue
            rows = np.flatnonzero((batch.signal == code) & believed)
            if not len(rows):
                continue
            of_quality = batch.quality[rows] != Quality.BAD
            if signal.type == "state":
                good = of_quality & (batch.state[rows] >= 0)
            else:
                values = batch.value[rows]
                highest = np.inf if signal.physical_max is None else signal.physical_max
                good = of_quality & np.isfinite(values) & (values <= highest)
            self._keep(name, signal, batch, rows, good)

    def _keep(self, name: str, signal: Signal, batch: Batch, rows: Int64, good: Bool) -> None:
        times = batch.time_ns[rows]
        newest_ns = int(times.max())
        with self._lock:
            before = self._newest.get(name, Newest(_NEVER))
            found = before
            if good.any():
                # Of several with the same stamp the last one counts.
                best = int(rows[good][len(times[good]) - 1 - int(np.argmax(times[good][::-1]))])
                good_ns = int(batch.time_ns[best])
                if before.good_ns is None or good_ns >= before.good_ns:
                    state = int(batch.state[best])
                    word = batch.words[state] if state >= 0 else None
                    found = replace(found, good_ns=good_ns, value=float(batch.value[best]), word=word)
            if newest_ns >= before.time_ns:
                last_good = found.good_ns is not None and found.good_ns >= newest_ns
                found = replace(found, time_ns=newest_ns, known=signal.type != "state" or last_good)
            self._newest[name] = found


def _credible(signal: Signal, value: float) -> bool:
    return bool(np.isfinite(value)) and (signal.physical_max is None or value <= signal.physical_max)
