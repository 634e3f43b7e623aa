"""Columns of times into UTC nanoseconds: in bulk by Arrow, one by one only around those that it cannot read."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from collector.causes import Cause
from collector.files.arrow import ArrowArray, ArrowInvalid, as_text, pa, pc
from collector.files.decode import CAUSES, FINE, PROBE, CauseCodes, as_numpy, decode, mark, no_causes, nulls
from collector.files.time_formats import ISO, NS_OF_UNIT, Local, TimeFormat
from facility.batch import Int64
from facility.errors import KadoError, TimeError
from facility.sentence import Sentence
from facility.time import MAX_NS, MIN_NS, NS_PER_DAY, NS_PER_S, format_time, parse_time

EARLIEST_INTEGER_NS = 100_000_000 * NS_PER_S
"""Integers below this (3 March 1973) are seconds, milliseconds, microseconds or dates, not nanoseconds of a
measurement: they are refused, since as nanoseconds nearly all of them would quietly lie in January 1970."""

_INTEGER = re.compile(r"-?[0-9]{1,30}")
_YEAR = re.compile(r"[0-9]{4}")
_NAIVE_NS = pa.timestamp("ns")
_UTC_NS = pa.timestamp("ns", "UTC")
_SCALE_OF_UNIT = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_QUARTER_NS = 900 * NS_PER_S
"""Clocks change on a quarter of an hour."""
_BACK_NS = 30 * 60 * NS_PER_S
"""Clocks are put back by this at the least."""


class ClocksGoBackError(KadoError):
    """Local times go back where clocks were put back, and nothing distinguishes the two hours."""

    def __init__(self, row: int, text: Sentence) -> None:
        super().__init__(text)
        self.row = row


@dataclass(slots=True)
class TimeRules:
    """How times are read; it remembers the last one, which distinguishes the two hours when clocks go back."""

    format: TimeFormat = ISO
    assume_offset: str | None = None
    """Offset of the times that state none."""
    zone: tzinfo | None = None
    """Zone of the times that state no offset, instead of `assume_offset`."""
    facility_zone: tzinfo = UTC
    decimal: str = "."
    """Of times that are numbers."""
    last_ns: int | None = None
    """The last instant that was read."""
    _offsets: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    @property
    def takes_local(self) -> bool:
        """Whether times without an offset can be read."""
        return self.assume_offset is not None or self.zone is not None

    def instants(self, local: Int64, where: NDArray[np.bool_], causes: CauseCodes) -> None:
        """Turn local times into instants, in place.

        Parameters
        ----------
        local
            Nanoseconds; those in `where` are local ones, counted as if they were UTC.
        where
            Which of them.
        causes
            Collects the times whose instant is not clear.

        Raises
        ------
        ClocksGoBackError
            If an offset is assumed and the times go back as the facility's clocks do.
        """
        far = where & (np.abs(local) > MAX_NS - NS_PER_DAY)
        mark(causes, far, Cause.TIME_OUT_OF_RANGE)
        rows = np.flatnonzero(where & ~far)
        if self.zone is not None:
            local[rows] = self._in_zone(local[rows], rows, causes)
        elif self.assume_offset is not None:
            self._check_clocks(local, rows)
            local[rows] += parse_time(f"1970-01-01T00:00:00{self.assume_offset}")
        good = np.flatnonzero(causes == FINE)
        if len(good):
            self.last_ns = int(local[good[-1]])

    def _check_clocks(self, local: Int64, rows: Int64) -> None:
        """Refuse times that go back by half an hour or more in an hour that the facility's clocks repeat."""
        times = local[rows]
        for place in np.flatnonzero(np.diff(times) <= -_BACK_NS).tolist():
            first, second = self._both(int(times[place + 1]), self.facility_zone)
            if first != second:
                raise ClocksGoBackError(
                    int(rows[place + 1]),
                    Sentence(
                        "the local times go back from {before} to {after}, where clocks in {zone} are put back, so one "
                        "offset does not fit them all: use --time-zone {zone} instead of --assume-offset",
                        before=_written(int(times[place])),
                        after=_written(int(times[place + 1])),
                        zone=self.facility_zone,
                    ),
                )

    def _in_zone(self, local: Int64, rows: Int64, causes: CauseCodes) -> Int64:
        assert self.zone is not None
        quarters, place = np.unique(local // _QUARTER_NS, return_inverse=True)
        offsets = np.array([self._both(int(q) * _QUARTER_NS, self.zone) for q in quarters], np.int64).reshape(-1, 2)
        first, second = (local - offsets[place, i] for i in (0, 1))
        stamps = first.copy()
        for row in np.flatnonzero(first != second).tolist():
            if first[row] > second[row]:  # Clocks are put forward: this time does not happen.
                mark_row(causes, int(rows[row]), Cause.BAD_TIME)
                continue
            before = int(stamps[row - 1]) if row else self.last_ns
            if before is not None and first[row] < before:
                stamps[row] = second[row]
                if before > second[row]:
                    mark_row(causes, int(rows[row]), Cause.AMBIGUOUS_TIME)
        return stamps

    def _both(self, local_ns: int, zone: tzinfo) -> tuple[int, int]:
        """Return the two offsets in ns that a local time may have; they are equal except where clocks change."""
        quarter = local_ns // _QUARTER_NS
        if quarter not in self._offsets:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=quarter * 900)
            both = [moment.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)]
            self._offsets[quarter] = (_ns_of(both[0]), _ns_of(both[1]))
        return self._offsets[quarter]


def mark_row(causes: CauseCodes, row: int, cause: Cause) -> None:
    """Give `cause` to a row that has none yet."""
    if causes[row] == FINE:
        causes[row] = CAUSES.index(cause)


def decode_times(column: ArrowArray, rules: TimeRules, causes: CauseCodes) -> Int64:
    """Return the stamps in UTC ns; `causes` gets what is wrong with the others.

    Parameters
    ----------
    column
        Text, integers (nanoseconds unless `rules` name another unit), floats in a unit that `rules` name, or Arrow
        timestamps. ISO 8601 is read as Arrow reads it, and one by one where it cannot.
    rules
        How they are written, and what those are in that state no offset.
    causes
        Filled in place.
    """
    mark(causes, nulls(column), Cause.MISSING_TIME)
    if pa.types.is_timestamp(column.type):
        return _timestamps(column, rules, causes)
    if rules.format == ISO and pa.types.is_integer(column.type):
        stamps = as_numpy(column.cast(pa.int64()), 0).astype(np.int64, copy=False)
        mark(causes, stamps < EARLIEST_INTEGER_NS, Cause.BAD_TIME)
        return stamps
    if pa.types.is_floating(column.type):  # The shortest text of a float is what was meant.
        column = pa.array([None if v is None else repr(v) for v in column.to_pylist()], pa.string())
    text = as_text(column)
    if rules.decimal == "," and not rules.format.is_pattern and rules.format != ISO:
        text = pc.replace_substring(text, ",", ".")
    return _iso(text, rules, causes) if rules.format == ISO else _formatted(text, rules, causes)


def decode_arrivals(column: ArrowArray, rules: TimeRules, stamps: Int64, causes: CauseCodes) -> Int64:
    """Return when samples arrived, in UTC ns; where nothing is said, when they were stamped."""
    own = no_causes(len(column))
    own_rules = TimeRules(rules.format, rules.assume_offset, rules.zone, rules.facility_zone)
    arrivals = decode_times(column, own_rules, own)
    absent = own == CAUSES.index(Cause.MISSING_TIME)
    mark(causes, (own != FINE) & ~absent, Cause.BAD_TIME)
    return np.where(absent, stamps, arrivals)


def _iso(text: ArrowArray, rules: TimeRules, causes: CauseCodes) -> Int64:
    stamps = np.zeros(len(text), np.int64)
    local = np.zeros(len(text), np.bool_)

    def with_zone(part: ArrowArray) -> Int64:
        return as_numpy(part.cast(_UTC_NS).cast(pa.int64()), 0)

    def integers(part: ArrowArray) -> Int64:
        found: Int64 = as_numpy(part.cast(pa.int64()), EARLIEST_INTEGER_NS)
        is_hexadecimal = pc.any(pc.match_substring(part, "x", ignore_case=True)).as_py()
        if is_hexadecimal or bool((found < EARLIEST_INTEGER_NS).any()):
            raise ArrowInvalid
        return found

    if _all_naive(text):
        if not rules.takes_local:  # A whole file of them is common; one by one would take minutes.
            mark(causes, ~nulls(text), Cause.NAIVE_TIME)
            return stamps
        stamps = as_numpy(pc.utf8_trim_whitespace(text).cast(_NAIVE_NS).cast(pa.int64()), 0).copy()
        rules.instants(stamps, ~nulls(text), causes)
        return stamps

    def one(value: str) -> int | Cause | Local:
        return read_time(value, takes_local=rules.takes_local)

    decode(text, [with_zone, integers], one, stamps, causes, local)
    rules.instants(stamps, local, causes)
    return stamps


def _formatted(text: ArrowArray, rules: TimeRules, causes: CauseCodes) -> Int64:
    stamps = np.zeros(len(text), np.int64)
    local = np.zeros(len(text), np.bool_)

    def decimals(part: ArrowArray) -> Int64:
        scale = _SCALE_OF_UNIT[rules.format.kind]
        column = part.fill_null("0").cast(pa.decimal128(19 + scale, scale))
        # The unscaled value of a decimal is the time in nanoseconds; its lower half is an int64 where it fits one.
        words = np.frombuffer(column.buffers()[1], np.int64)[2 * column.offset : 2 * (column.offset + len(column))]
        low, high = words[::2], words[1::2]
        if bool((high != low >> 63).any()):
            raise ArrowInvalid
        return low.copy()

    def patterned(part: ArrowArray) -> Int64:
        assert iso is not None
        if "," not in rules.format.kind:
            part = pc.replace_substring(part, ",", ".")
        if not pc.all(pc.match_substring_regex(part, iso.pattern), min_count=0).as_py():
            raise ArrowInvalid
        padded = pc.replace_substring_regex(part, iso.pattern, iso.replacement)
        return as_numpy(padded.cast(_NAIVE_NS).cast(pa.int64()), 0)

    iso = rules.format.as_iso
    ways = [decimals] if rules.format.kind in NS_OF_UNIT else [patterned] if iso is not None else []
    decode(text, ways, rules.format.read, stamps, causes, local)
    if iso is not None:
        local |= (causes == FINE) & ~nulls(text)  # Whatever way it was read: a pattern without %z is local.
    if bool(local.any()) and not rules.takes_local:
        mark(causes, local, Cause.NAIVE_TIME)
        return stamps
    rules.instants(stamps, local, causes)
    return stamps


def read_time(text: str, *, takes_local: bool) -> int | Cause | Local:
    """Read one ISO 8601 time or integer that did not go the fast way; return the cause if it cannot be read."""
    text = text.strip()
    if not text:
        return Cause.MISSING_TIME
    if _INTEGER.fullmatch(text):
        if not MIN_NS <= int(text) <= MAX_NS:
            return Cause.TIME_OUT_OF_RANGE
        return int(text) if int(text) >= EARLIEST_INTEGER_NS else Cause.BAD_TIME
    stamp = _read_iso(text)
    if stamp is not None:
        return stamp
    local = _read_iso(text + "Z")
    if local is not None or _all_naive(pa.array([text])):
        if not takes_local:
            return Cause.NAIVE_TIME
        if local is None:
            local = int(pa.array([text]).cast(_NAIVE_NS).cast(pa.int64())[0].as_py())
        return Local(local)
    year = _YEAR.match(text)
    return Cause.TIME_OUT_OF_RANGE if year and not 1678 <= int(year[0]) <= 2261 else Cause.BAD_TIME


def _read_iso(text: str) -> int | None:
    try:
        return parse_time(text)
    except TimeError:
        pass
    try:  # Arrow takes a time without minutes, which is ISO 8601 too; a row must not depend on its neighbours.
        return pa.array([text]).cast(_UTC_NS).cast(pa.int64())[0].as_py()
    except ArrowInvalid:
        return None


def _all_naive(text: ArrowArray) -> bool:
    try:
        pc.utf8_trim_whitespace(text.slice(0, PROBE)).cast(_NAIVE_NS)
        return pc.utf8_trim_whitespace(text).cast(_NAIVE_NS).null_count < len(text)
    except ArrowInvalid:
        return False


def _timestamps(column: ArrowArray, rules: TimeRules, causes: CauseCodes) -> Int64:
    factor = NS_OF_UNIT[column.type.unit]
    stamps = as_numpy(column.cast(pa.int64()), 0)
    limit = MAX_NS // factor
    mark(causes, (stamps > limit) | (stamps < -limit), Cause.TIME_OUT_OF_RANGE)
    instants = stamps.clip(-limit, limit) * factor
    if column.type.tz is None:
        rules.instants(instants, causes == FINE, causes)
    return instants


def _written(local_ns: int) -> str:
    return format_time(local_ns).removesuffix("Z").replace("T", " ")


def _ns_of(offset: timedelta) -> int:
    return (offset.days * 86_400 + offset.seconds) * NS_PER_S
