"""One sample on its way out."""

import json
from dataclasses import dataclass

from facility.batch import NO_WORD, Batch
from facility.quality import QUALITY_WORDS
from facility.time import format_time


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of one signal at one time."""

    signal: str
    time_ns: int
    value: float | str
    quality: str

    def document(self) -> dict[str, object]:
        """Return it as kado's JSON has it."""
        return {"time": format_time(self.time_ns), "value": self.value, "quality": self.quality}

    def payload(self) -> bytes:
        """Return it as kado's JSON."""
        return json.dumps(self.document()).encode()


def samples_of(batch: Batch) -> list[Sample]:
    """Return a batch one by one, in its order."""
    signals: list[int] = batch.signal.tolist()
    times: list[int] = batch.time_ns.tolist()
    values: list[float] = batch.value.tolist()
    states: list[int] = batch.state.tolist()
    qualities: list[int] = batch.quality.tolist()
    return [
        Sample(
            batch.signals[signal], time_ns, value if state == NO_WORD else batch.words[state], QUALITY_WORDS[quality]
        )
        for signal, time_ns, value, state, quality in zip(signals, times, values, states, qualities, strict=True)
    ]
