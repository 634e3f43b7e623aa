"""What it costs that no message stops a source: decoding and intake with the guards, and without, in turn."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from collector.intake import Intake
from collector.payload.format import Targets
from collector.payload.guard import decode_each
from collector.payload.json_samples import JsonFormat
from facility.profile import load_profile
from facility.source import Delivery

MESSAGES = 200_000
BATCH = 2_000
ROUNDS = 9
NOW = 1_795_431_969_000_000_000
LIMIT = 1.03


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as a client makes it."""

    topic: str
    payload: bytes
    retain: bool = False
    dup: bool = False


def main() -> None:
    """Print CPU seconds of both, and the ratio of each round."""
    profile = load_profile("nanoterasu_sim")
    reader = JsonFormat(Targets.of(profile, ["stored_current"]), {"t": "stored_current"}, 2**20)
    intake = Intake(profile, ["ring"], lambda: NOW + 10**12)
    messages = [Sent("t", b'{"time": %d, "value": 200.1}' % (NOW + i)) for i in range(MESSAGES)]
    batches = [messages[i : i + BATCH] for i in range(0, MESSAGES, BATCH)]
    unguarded = cast("Any", intake)._split  # noqa: SLF001  # what `check` guards

    def bare() -> None:
        for batch in batches:
            samples, _ = reader.decode(batch, NOW)
            unguarded(samples)

    def guarded() -> None:
        for batch in batches:
            intake.check("ring", Delivery(*decode_each(reader, batch, NOW)))

    pairs = [(seconds(bare), seconds(guarded)) for _ in range(ROUNDS)]
    ratios = sorted(with_guard / without for without, with_guard in pairs)
    print(f"without guard  {min(b for b, _ in pairs):.3f} s CPU for {MESSAGES:,} messages")
    print(f"with guard     {min(g for _, g in pairs):.3f} s CPU")
    print(f"ratio          {statistics.median(ratios):.3f} (median of {ROUNDS}; {ratios[0]:.3f} to {ratios[-1]:.3f})")
    print("within 3 %" if statistics.median(ratios) <= LIMIT else "over 3 %")


def seconds(work: Callable[[], None]) -> float:
    """Return the CPU seconds that work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
