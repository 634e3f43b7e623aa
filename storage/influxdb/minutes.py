"""Aggregates of each minute, in a bucket beside the samples: written, read back, and used only while they are valid."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.schema import MINUTES, MINUTES_DONE, MINUTES_TOUCHED
from facility.slug import check_slug
from facility.time import NS_PER_DAY
from storage.arrow import pa, pc
from storage.influxdb.answer import record_batches
from storage.influxdb.client import NO_CONTENT, InfluxClient
from storage.influxdb.reading import condition
from storage.minutes import MinuteAggregates

_LINES_A_REQUEST: Final = 20_000
_NUMBERS: Final = {"mean": pa.float64(), "min": pa.float64(), "max": pa.float64(), "last": pa.float64()}
_COLUMNS: Final = {"count": pa.int64(), **_NUMBERS, "known": pa.int64()}


@dataclass(frozen=True, slots=True)
class Done:
    """A day whose minutes were written."""

    seen: int
    """The token that its samples bore just before they were read; 0 for none."""
    made: int
    """A number of its own: minutes that are written again get another one."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A day that was written to after it had ended."""

    token: int
    at_ns: int
    """When, by the clock of who wrote."""


@dataclass(frozen=True, slots=True)
class DayMarks:
    """What is known of the days of one signal; keys are days since 1970, UTC."""

    done: dict[int, Done]
    touched: dict[int, Touched]

    def valid(self) -> dict[int, Done]:
        """Return the days whose minutes are what their samples come to.

        A day without a mark was never written to after it had ended, or so long ago that the mark has expired; then
        its samples have expired with it, and its minutes are what is left of them.
        """
        return {
            day: done
            for day, done in self.done.items()
            if day not in self.touched or self.touched[day].token == done.seen
        }


class MinutesBucket:
    """The bucket of minutes of one facility, and the marks on its days.

    Parameters
    ----------
    samples
        The bucket of samples, where the marks on touched days are.
    minutes
        The bucket of minutes; it need not be there.
    """

    def __init__(self, samples: InfluxClient, minutes: InfluxClient, facility: str) -> None:
        self._samples = samples
        self._minutes = minutes
        self._facility = check_slug(facility, "facility")

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self._minutes.bucket

    def marks(self, signal: str, first_day: int, last_day: int) -> DayMarks:
        """Return what is known of the days from the one to the other, both included.

        Raises
        ------
        MissingBucketError
            If there is no bucket of minutes.
        """
        which = condition(self._facility, signal, (first_day + 1) * NS_PER_DAY - 1, (last_day + 1) * NS_PER_DAY - 1)
        (done,) = self._minutes.query_json(f'SELECT "seen", "made" FROM "{MINUTES_DONE}" WHERE {which}')
        (touched,) = self._samples.query_json(f'SELECT "token", "at" FROM "{MINUTES_TOUCHED}" WHERE {which}')
        return DayMarks(
            {row["time"] // NS_PER_DAY: Done(row["seen"], row["made"]) for row in done},
            {row["time"] // NS_PER_DAY: Touched(row["token"], row["at"]) for row in touched},
        )

    def read(self, signal: str, start_ns: int, end_ns: int) -> Iterator[MinuteAggregates]:
        """Yield the minutes that start in ``[start_ns, end_ns)``, some 50,000 at a time."""
        which = condition(self._facility, signal, start_ns, end_ns - 1)
        for table in record_batches(self._minutes, tuple(_COLUMNS), which, MINUTES, _COLUMNS):
            if table.num_rows:
                columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in ("time", *_COLUMNS)}
                yield MinuteAggregates(
                    start_ns=columns["time"],
                    count=columns["count"].astype(np.int64),
                    mean=columns["mean"],
                    min=columns["min"],
                    max=columns["max"],
                    last=columns["last"],
                    known_ns=columns["known"].astype(np.int64),
                )

    def write(self, signal: str, minutes: MinuteAggregates) -> None:
        """Write minutes; they are not used before `mark_done`."""
        for first in range(0, len(minutes), _LINES_A_REQUEST):
            self._send(self._lines(signal, minutes, slice(first, first + _LINES_A_REQUEST)))

    def mark_done(self, signal: str, days: Iterable[int], marks: DayMarks, made: int) -> None:
        """Say that the minutes of days are what their samples came to when `marks` were read, or later."""
        head = f"{MINUTES_DONE},facility={self._facility},signal={check_slug(signal, 'signal')}"
        lines = [
            f"{head} seen={marks.touched[day].token if day in marks.touched else 0}i,made={made}i"
            f" {(day + 1) * NS_PER_DAY - 1}\n"
            for day in days
        ]
        if lines:
            self._send("".join(lines).encode())

    def forget(self, signal: str, first_day: int, last_day: int) -> None:
        """Delete the minutes of days, and first what says that they are done."""
        tags = {"facility": self._facility, "signal": signal}
        span = (first_day * NS_PER_DAY, (last_day + 1) * NS_PER_DAY - 1)
        for measurement in (MINUTES_DONE, MINUTES):
            self._minutes.delete(tags, *span, measurement=measurement)

    def _lines(self, signal: str, minutes: MinuteAggregates, rows: slice) -> bytes:
        def text(column: NDArray[Any]) -> Any:
            return pa.array(column[rows]).cast(pa.string())

        lines: Any = pc.binary_join_element_wise(
            f"{MINUTES},facility={self._facility},signal={check_slug(signal, 'signal')} count=",
            text(minutes.count),
            "i,mean=",
            text(minutes.mean),
            ",min=",
            text(minutes.min),
            ",max=",
            text(minutes.max),
            ",last=",
            text(minutes.last),
            ",known=",
            text(minutes.known_ns),
            "i ",
            text(minutes.start_ns),
            "\n",
            "",
        )
        return lines.buffers()[2].to_pybytes()

    def _send(self, lines: bytes) -> None:
        answer = self._minutes.write(lines)
        if answer.status != NO_CONTENT:
            raise self._minutes.problem(answer)
