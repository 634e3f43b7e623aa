"""Dead letters once more through intake, after the mapping or the profile that rejected them was corrected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, cast, runtime_checkable

import msgspec

from collector.arrival import Arrival
from collector.intake import Intake
from collector.payload.format import KEPT_BYTES, PayloadFormat
from collector.payload.guard import decode_each
from facility.batch import NO_WORD, Batch
from facility.errors import DataError
from facility.profile import Profile
from facility.quality import QUALITY_WORDS
from facility.schema import TELEMETRY
from facility.source import Delivery
from storage.telemetry_db.dead_letters import DeadLetter

_NAN: Final = float("nan")


@runtime_checkable
class ReadsPayloads(Protocol):
    """A source whose dead letters hold payloads as they were received."""

    def payload_format(self, profile: Profile) -> PayloadFormat:
        """Return what reads them, by the configuration of now."""
        ...


class LandsNow(Protocol):
    """What a replay needs of `collector.landing.Landing`."""

    def land_now(self, arrival: Arrival) -> None:
        """Return once an arrival is durable."""
        ...


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of dead letters; in samples but for the letters."""

    letters: int = 0
    """Taken; what was rejected again is a new letter."""
    stored: int = 0
    rejected: int = 0
    left: int = 0
    """Letters that were left as they are: cut, or in no form that can be read again."""


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    payload: bytes
    retain: bool = False
    dup: bool = False


def replay(
    letters: Iterable[DeadLetter],
    profile: Profile,
    formats: Mapping[str, PayloadFormat],
    intake: Intake,
    landing: LandsNow,
) -> Replayed:
    """Read letters again and land what they hold; each letter goes in the transaction that lands it.

    Parameters
    ----------
    letters
        In the order in which they came.
    profile
        The facility.
    formats
        Reads the payloads of each source that has any.
    intake
        Checks samples as it does for those that come in.
    landing
        Of the data directory that the letters are from.

    Returns
    -------
    Replayed
        What became of them. Samples that are stored now count as received once more; the earlier rejection stays in
        the ledger.
    """
    done = Replayed()
    for letter in letters:
        delivery = _delivery(letter, profile, formats)
        if delivery is None:
            done = replace(done, left=done.left + 1)
            continue
        arrival = replace(intake.check(letter.source, delivery), replaces=(letter.id,))
        landing.land_now(arrival)
        done = Replayed(
            done.letters + 1,
            done.stored + arrival.samples,
            done.rejected + sum(r.count for r in arrival.rejected),
            done.left,
        )
    return done


def _delivery(letter: DeadLetter, profile: Profile, formats: Mapping[str, PayloadFormat]) -> Delivery | None:
    if len(letter.payload) >= KEPT_BYTES:
        # It was cut: it would be rejected for that, whatever was wrong with it.
        return None
    if letter.payload.startswith(f"{TELEMETRY},".encode()):
        return _lines(letter.payload)
    if (samples := _samples(letter.payload)) is not None:
        return Delivery(_batch(samples, profile, letter.arrival_ns))
    if letter.source in formats:
        message = _Message(letter.address, letter.payload)
        return Delivery(*decode_each(formats[letter.source], [message], letter.arrival_ns))
    return None


def _lines(payload: bytes) -> Delivery | None:
    """Read a point that InfluxDB refused."""
    # Arrow is heavy to import, and few letters are points.
    from storage.influxdb.line_protocol import decode

    try:
        return Delivery(decode(payload if payload.endswith(b"\n") else payload + b"\n"))
    except (DataError, ValueError):
        return None


def _samples(payload: bytes) -> list[dict[str, Any]] | None:
    """Return the samples that intake rejected and wrote down; None if the payload is something else."""
    try:
        document: Any = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(document, list) or not document:
        return None
    for one in cast("list[Any]", document):
        if not isinstance(one, dict) or cast("dict[str, Any]", one).keys() != {"signal", "time", "value", "quality"}:
            return None
    return cast("list[dict[str, Any]]", document)


def _batch(samples: list[dict[str, Any]], profile: Profile, arrival_ns: int) -> Batch:
    signals = tuple(dict.fromkeys(str(s["signal"]) for s in samples))
    states = {s.id for s in profile.signals if s.type == "state"}
    words = tuple(dict.fromkeys(str(s["value"]) for s in samples if s["signal"] in states))
    return Batch.build(
        profile.id,
        signals,
        [signals.index(str(s["signal"])) for s in samples],
        [int(s["time"]) for s in samples],
        arrival_ns=[arrival_ns] * len(samples),
        value=[_NAN if s["signal"] in states else _number(s["value"]) for s in samples],
        state=[words.index(str(s["value"])) if s["signal"] in states else NO_WORD for s in samples],
        quality=[QUALITY_WORDS.index(q) if (q := s["quality"]) in QUALITY_WORDS else 255 for s in samples],
        words=words,
    )


def _number(value: object) -> float:
    """Read a number; text such as ``nan`` stands for what JSON has no form for."""
    try:
        return float(cast("Any", value))
    except (TypeError, ValueError):
        return _NAN
