"""What the guards of ingest cost: the guard around each message, and the checksums of rows; with and without.

    python benchmarks/bench_guards.py [--messages 50000] [--rounds 5]

A real Mosquitto holds messages (QoS 1, one JSON sample each) in a persistent session. In each round they are drained
into the embedded store by the source, the intake and the landing of kado, all in this process. By chance every other
batch goes without the guard in question, so both kinds meet the same machine. Measured is the CPU time of the thread
in the step that the guard belongs to; in each round its median difference is set against the CPU time of the whole
process. Printed are microseconds a message, and the ratio of ingest with the guard to ingest without it: the median of
the rounds, which may be 1.03 at the most, with the lowest and the highest.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from mqttium.api import AsyncClient, PublishMessage

from collector.arrival import Arrival
from collector.collector import Collector
from collector.intake import Intake
from collector.landing import Landing
from collector.payload.guard import decode_each
from collector.sources.mqtt import reader
from collector.sources.mqtt.spec import MqttSource
from collector.telemetry_writer import TelemetryWriter
from facility.profile import load_profile
from facility.time import NS_PER_S, system_clock
from servers import Mosquitto
from storage.embedded import row_writing

PROFILE = load_profile("nanoterasu_sim")
NAMES = [signal.id for signal in PROFILE.signals if signal.type != "state"][:20]
LIMIT = 1.03
START_NS = 1_795_431_969 * NS_PER_S


class Turns:
    """Takes one guard away for every other batch, by chance, and adds up what its step costs with and without it."""

    def __init__(self, which: str) -> None:
        self.took: dict[bool, list[float]] = {True: [], False: []}
        self._which = which
        self._chance = random.Random(1)
        self._complete = True

    def take_cost(self) -> float:
        """Return the CPU seconds a sample that the guard took since this was asked last."""
        cost = statistics.median(self.took[True]) - statistics.median(self.took[False])
        self.took = {True: [], False: []}
        return cost

    def patched(self) -> ExitStack:
        stack = ExitStack()
        if self._which == "checksum":
            keep_sums = cast("Any", row_writing)._keep_sums  # noqa: SLF001 - the guard itself is measured
            commit = cast("Callable[[TelemetryWriter, Sequence[Arrival]], None]", TelemetryWriter.commit)

            def timed(file: TelemetryWriter, arrivals: Sequence[Arrival]) -> None:
                self._measure(lambda: commit(file, arrivals), sum(arrival.samples for arrival in arrivals))

            stack.enter_context(patch.object(TelemetryWriter, "commit", timed))
            stack.enter_context(patch.object(row_writing, "_keep_sums", lambda *a: self._complete and keep_sums(*a)))
        else:
            split = cast("Any", Intake)._split  # noqa: SLF001 - the guard itself is measured
            judge = cast("Any", Intake)._accept  # noqa: SLF001 - the guard itself is measured

            def decoded(payload_format: Any, messages: Any, arrival_ns: int) -> Any:
                def decode() -> Any:
                    read = decode_each if self._complete else type(payload_format).decode
                    return read(payload_format, messages, arrival_ns)

                return self._measure(decode, len(messages))

            stack.enter_context(patch.object(reader, "decode_each", decoded))
            stack.enter_context(patch.object(Intake, "_accept", lambda *a: (judge if self._complete else split)(*a)))
        return stack

    def _measure(self, step: Callable[[], Any], samples: int) -> Any:
        self._complete = self._chance.random() < 0.5
        began = time.thread_time()
        result = step()
        # Smaller ones are the first and the last.
        if samples >= 500:
            self.took[self._complete].append((time.thread_time() - began) / samples)
        return result


async def publish(broker: Mosquitto, first: int, messages: int) -> None:
    async with AsyncClient("bench-publisher", max_outbound_inflight=2000) as client:
        await client.connect(broker.host, broker.port)
        receipt = await client.publish_many(
            PublishMessage(
                f"ring/{NAMES[i % len(NAMES)]}",
                b'{"time": %d, "value": %.3f}' % (START_NS + i * 1_000_000, 200 + i % 1_000 / 1_000),
                1,
            )
            for i in range(first, first + messages)
        )
        await receipt.wait()


async def drain(broker: Mosquitto, landing: Landing, first: int, messages: int) -> float:
    """Queue messages for the session while nobody reads it, then read them; return the CPU seconds of the reading."""
    mapping = [{"topic": f"ring/{name}", "signal": name} for name in NAMES]
    source = MqttSource.model_validate({"id": "ring", "url": broker.url, "signal": mapping})

    async def collect(until: Callable[[Collector], bool]) -> None:
        intake = Intake(PROFILE, ["ring"], system_clock)
        collector = Collector(PROFILE, [source], intake, landing, system_clock, random.Random(1))
        task = asyncio.create_task(collector.run())
        while not until(collector):  # noqa: ASYNC110 - no event is announced
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])

    await collect(lambda collector: bool(collector.status()["ring"].connects))
    await publish(broker, first, messages)
    began = time.process_time()
    await collect(lambda collector: collector.status()["ring"].samples >= messages)
    return time.process_time() - began


def compare(which: str, messages: int, rounds: int) -> list[tuple[float, float]]:
    """Return for each round the CPU seconds a message: of the guard, and of the whole process."""
    turns = Turns(which)
    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        broker = Mosquitto(Path(folder) / "mosquitto")
        broker.start()
        opened.callback(broker.stop)
        landing = opened.enter_context(Landing.open(Path(folder) / "data", PROFILE.id, "embedded"))
        opened.enter_context(turns.patched())
        for number in range(rounds):
            each = asyncio.run(drain(broker, landing, number * messages, messages)) / messages
            found.append((turns.take_cost(), each))
    return found


def main() -> None:
    """Print a row for each guard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'MQTT to the embedded store':<28}{'us/message':>12}{'of guard':>10}{'ratio':>8}{'of rounds':>15}")
    worst = 0.0
    for which in ("checksum", "guard"):
        found = compare(which, options.messages, options.rounds)
        ratios = [each / (each - cost) for cost, each in found]
        ratio = statistics.median(ratios)
        worst = max(worst, ratio)
        cost_us, each_us = (statistics.median(column) * 1e6 for column in zip(*found, strict=True))
        span = f"{min(ratios):.3f}-{max(ratios):.3f}"
        print(f"{which:<28}{each_us:>12.2f}{cost_us:>10.3f}{ratio:>8.3f}{span:>15}", flush=True)
    print(f"{'within' if worst <= LIMIT else 'over'} the limit of {LIMIT}")


if __name__ == "__main__":
    main()
