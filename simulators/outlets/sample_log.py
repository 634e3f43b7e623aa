"""What was sent, kept in order, so that a client that connects later, or was cut off, gets all of it."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Batch, Float64, Int32, Int64, UInt8
from facility.quality import QUALITY_WORDS
from simulators.outlets.sample import Sample

FIRST_ROOM: Final = 4096

Int16 = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Page:
    """Some samples of a log, numbered."""

    samples: tuple[tuple[int, Sample], ...]
    next: int
    """The number from which to go on."""
    more: bool
    """Whether something that was asked for is there already, from `next` on."""


class SampleLog:
    """The newest samples in the order in which they went out, numbered from 0.

    Held as columns, 23 bytes a sample. Used on one event loop.

    Parameters
    ----------
    signals
        All that there are.
    most
        Samples that are kept; of more than that, the oldest eighth is dropped at once.
    """

    def __init__(self, signals: tuple[str, ...], most: int) -> None:
        self.signals = signals
        self._code = {name: code for code, name in enumerate(signals)}
        self._words: list[str] = []
        self._most = most
        self._dropped = 0
        self._size = 0
        self._signal: Int16 = np.empty(0, np.int16)
        self._time: Int64 = np.empty(0, np.int64)
        self._value: Float64 = np.empty(0, np.float64)
        self._state: Int32 = np.empty(0, np.int32)
        self._quality: UInt8 = np.empty(0, np.uint8)
        self._make_room(min(FIRST_ROOM, most))
        self._newest: dict[str, Sample] = {}
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def first(self) -> int:
        """The number of the oldest sample that is still kept."""
        return self._dropped

    @property
    def end(self) -> int:
        """The number that the next sample will have."""
        return self._dropped + self._size

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    @property
    def newest(self) -> dict[str, Sample]:
        """Of each signal the sample that went out last; before it, what stood at the start."""
        return dict(self._newest)

    def stand(self, samples: Sequence[Sample]) -> None:
        """Take what stands at the start as the newest of its signals, until a sample of them goes out."""
        self._newest = {sample.signal: sample for sample in samples} | self._newest

    def append(self, batch: Batch, samples: list[Sample]) -> None:
        """Add a batch, whose samples one by one are `samples`, and wake all waiting readers."""
        known = {word: code for code, word in enumerate(self._words)}
        for word in batch.words:
            if word not in known:
                known[word] = len(self._words)
                self._words.append(word)
        signal = np.array([self._code[name] for name in batch.signals], np.int16)[batch.signal]
        # The extra last entry makes index -1 (none) map to -1.
        state = np.array([*(known[word] for word in batch.words), NO_WORD], np.int32)[batch.state]
        for first in range(0, len(batch), max(1, self._most // 8)):
            part = slice(first, first + max(1, self._most // 8))
            self._add(signal[part], batch.time_ns[part], batch.value[part], state[part], batch.quality[part])
        self._newest |= {sample.signal: sample for sample in samples}
        self.wake()

    def page(
        self,
        start: int,
        limit: int,
        *,
        signals: Collection[str] = (),
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> Page:
        """Return the first samples from a number on that are asked for.

        Parameters
        ----------
        start
            Between `first` and `end`.
        signals
            None named: all.
        since_ns, until_ns
            Stamped in ``[since_ns, until_ns)``; None: no bound.
        """
        part = slice(start - self._dropped, self._size)
        chosen = np.ones(self.end - start, np.bool_)
        if signals:
            chosen &= np.isin(self._signal[part], [self._code[name] for name in signals])
        if since_ns is not None:
            chosen &= self._time[part] >= since_ns
        if until_ns is not None:
            chosen &= self._time[part] < until_ns
        rows: list[int] = (np.flatnonzero(chosen)[: limit + 1] + part.start).tolist()
        more, rows = len(rows) > limit, rows[:limit]
        samples = tuple((self._dropped + row, self._sample(row)) for row in rows)
        return Page(samples, samples[-1][0] + 1 if more else self.end, more)

    async def wait(self) -> None:
        """Wait until something was added, said, or closed."""
        await self._changed.wait()

    def wake(self) -> None:
        """Wake all waiting readers."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Inform all waiting readers that nothing more will come."""
        self._closed = True
        self.wake()

    def _sample(self, row: int) -> Sample:
        state = int(self._state[row])
        value = float(self._value[row]) if state == NO_WORD else self._words[state]
        name, quality = self.signals[int(self._signal[row])], QUALITY_WORDS[int(self._quality[row])]
        return Sample(name, int(self._time[row]), value, quality)

    def _add(self, signal: Int16, time: Int64, value: Float64, state: Int32, quality: UInt8) -> None:
        number = len(time)
        if self._size + number > self._most:
            self._drop(max(self._most // 8, self._size + number - self._most))
        if self._size + number > len(self._time):
            self._make_room(min(self._most, max(2 * len(self._time), self._size + number)))
        part = slice(self._size, self._size + number)
        self._signal[part], self._time[part], self._value[part] = signal, time, value
        self._state[part], self._quality[part] = state, quality
        self._size += number

    def _make_room(self, room: int) -> None:
        more = room - len(self._time)
        self._signal, self._time = np.pad(self._signal, (0, more)), np.pad(self._time, (0, more))
        self._value, self._state = np.pad(self._value, (0, more)), np.pad(self._state, (0, more))
        self._quality = np.pad(self._quality, (0, more))

    def _drop(self, number: int) -> None:
        for column in (self._signal, self._time, self._value, self._state, self._quality):
            column[: self._size - number] = column[number : self._size].copy()
        self._size -= number
        self._dropped += number
