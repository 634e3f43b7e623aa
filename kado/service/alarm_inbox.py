"""What has landed and the alarms have not yet looked at."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from collector.arrival import Arrival
from facility.batch import Batch

MOST_SAMPLES: Final = 2_000_000
"""So many samples wait at most; then the oldest go, and the newest values are read from the store instead."""


class AlarmInbox:
    """Takes batches from the landing's thread, gives them to the thread of the alarms; bounded."""

    def __init__(self, wake: Callable[[], None], most: int = MOST_SAMPLES) -> None:
        self._wake = wake
        self._most = most
        self._lock = threading.Lock()
        self._batches: deque[Batch] = deque()
        self._samples = 0
        self._overflowed = False
        self.dropped = 0
        """Samples that went unseen, since the start."""

    def landed(self, arrivals: Sequence[Arrival], took_s: float) -> None:
        """Take notice of arrivals; see `collector.landing_observer`."""
        del took_s
        with self._lock:
            for arrival in arrivals:
                if arrival.batch is not None and len(arrival.batch):
                    self._batches.append(arrival.batch)
                    self._samples += len(arrival.batch)
            while self._samples > self._most and len(self._batches) > 1:
                gone = len(self._batches.popleft())
                self._samples -= gone
                self.dropped += gone
                self._overflowed = True
        self._wake()

    def take(self) -> tuple[list[Batch], bool]:
        """Return what came since the last call, in order, and whether some of it was dropped."""
        with self._lock:
            taken, overflowed = list(self._batches), self._overflowed
            self._batches.clear()
            self._samples, self._overflowed = 0, False
        return taken, overflowed
