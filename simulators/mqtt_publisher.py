"""Publishes a simulator's samples over MQTT, one JSON message a sample, each until it is acknowledged.

``python -m simulators.mqtt_publisher --help`` explains how to use it by hand.
"""

import argparse
import asyncio
import csv
import logging
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiomqtt

from facility.batch import Batch
from facility.errors import ConfigError, KadoError
from facility.profile import load_profile
from facility.sentence import Sentence
from facility.source import LinkReport
from facility.time import NS_PER_S, parse_time, system_clock, to_ns
from simulators.feed import Feed
from simulators.load import Load
from simulators.machine import Machine
from simulators.outlets.address import Address
from simulators.outlets.outlet import Released
from simulators.outlets.sample import Sample, samples_of
from simulators.scenario import load_scenario

IN_FLIGHT: Final = 500
"""Messages that may wait for their acknowledgement."""
ACKNOWLEDGED_WITHIN_S: Final = 5.0
BACKOFF_S: Final = (0.2, 5.0)
"""First and longest wait before another try to connect."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Published(Released):
    """What a publisher did; a sample counts once the broker has acknowledged it."""

    resent: int = 0
    """Sent once more because the first acknowledgement did not come."""
    connections: int = 0


def ring_topics(facility: str, signals: Sequence[str]) -> dict[str, str]:
    """Return signal -> topic: ``<facility>/ring/<signal>``."""
    return {signal: f"{facility}/ring/{signal}" for signal in signals}


class Publisher:
    """Sends samples with QoS 1, in order, and again after a lost connection until each is acknowledged.

    While the broker is away nothing is taken from the feed, so nothing is lost and little is held. What the link
    reports is not said: while it is lost nothing is published.

    Parameters
    ----------
    url
        Such as ``mqtt://localhost:1883``.
    topics
        Signal -> topic.
    written
        A file to which each sample is appended before it is sent: CSV ``time,signal,value,quality``, time in ns.
    """

    answers_afterwards = False

    def __init__(
        self,
        url: str,
        topics: Mapping[str, str],
        *,
        written: Path | None = None,
        client_id: str = "kado_simulator",
        rng: random.Random | None = None,
    ) -> None:
        address = Address.parse(url, "mqtt://HOST:1883")
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise ConfigError(Sentence("{url!r} is not the address of a broker: write mqtt://HOST:1883", url=url))
        if address.path:
            raise ConfigError(
                Sentence(
                    "{url!r}: the topics are fixed (FACILITY/ring/SIGNAL): leave {address!r} out",
                    url=url,
                    address=address.path,
                )
            )
        self._host = address.host
        self._port = address.port or 1883
        self._topics = topics
        self._written = written
        self._client_id = client_id
        self._rng = rng or random.Random()
        self._unacknowledged: dict[int, Sample] = {}
        self.published = Published()

    @property
    def notes(self) -> tuple[str, ...]:
        """Where it publishes, and the topics."""
        return (f"publishing to mqtt://{self._host}:{self._port}", *self._topics.values())

    @property
    def released(self) -> Released:
        """What has been acknowledged until now."""
        return self.published

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Do nothing: the broker serves."""
        return nullcontext()

    def show(self, standing: Sequence[Sample]) -> None:
        """Publish nothing: a message is a sample, and the first of a signal is its next report."""

    async def release(self, items: AsyncIterator[Batch | LinkReport]) -> None:
        """Do what `run` does."""
        await self.run(items)

    async def run(self, items: AsyncIterator[Batch | LinkReport]) -> Published:
        """Publish everything that the feed gives, until it ends; return once all of it is acknowledged."""
        chunks = self._chunks(items)
        wait_s = BACKOFF_S[0]
        while True:
            try:
                async with aiomqtt.Client(
                    self._host,
                    self._port,
                    identifier=self._client_id,
                    timeout=ACKNOWLEDGED_WITHIN_S,
                    max_inflight_messages=IN_FLIGHT,
                ) as client:
                    client.pending_calls_threshold = IN_FLIGHT
                    self.published.connections += 1
                    wait_s = BACKOFF_S[0]
                    self.published.resent += len(self._unacknowledged)
                    while True:
                        await self._send(client)
                        chunk = await anext(chunks, None)
                        if chunk is None:
                            return self.published
                        self._unacknowledged = dict(enumerate(chunk))
            except aiomqtt.MqttError as error:
                log.warning("broker %s:%d: %s; trying again", self._host, self._port, error)
            await asyncio.sleep(self._rng.uniform(0, wait_s))
            wait_s = min(2 * wait_s, BACKOFF_S[1])

    async def _chunks(self, items: AsyncIterator[Batch | LinkReport]) -> AsyncIterator[list[Sample]]:
        async for item in items:
            if isinstance(item, LinkReport):
                continue
            samples = samples_of(item)
            for first in range(0, len(samples), IN_FLIGHT):
                chunk = samples[first : first + IN_FLIGHT]
                if self._written is not None:
                    await asyncio.to_thread(_append, self._written, chunk)
                yield chunk

    async def _send(self, client: aiomqtt.Client) -> None:
        """Publish what is unacknowledged; a sample leaves that list with its acknowledgement."""

        async def publish(number: int, sample: Sample) -> None:
            await client.publish(self._topics[sample.signal], sample.payload(), qos=1)
            del self._unacknowledged[number]
            self.published.count(sample)

        sending = [publish(number, sample) for number, sample in self._unacknowledged.items()]
        results = await asyncio.gather(*sending, return_exceptions=True)
        failures = [r for r in results if r is not None]
        for failure in failures:
            if not isinstance(failure, aiomqtt.MqttError):
                raise failure
        if failures:
            raise failures[0]


def _append(path: Path, chunk: list[Sample]) -> None:
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(["time", "signal", "value", "quality"])
        writer.writerows(
            [s.time_ns, s.signal, repr(s.value) if isinstance(s.value, float) else s.value, s.quality] for s in chunk
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.mqtt_publisher",
        description="Publish a simulated machine over MQTT, to <facility>/ring/<signal>.",
        epilog="example: python -m simulators.mqtt_publisher --load 20 --rate 10 --seconds 30 --written sent.csv",
    )
    parser.add_argument("--url", default="mqtt://localhost:1883", help="broker (default: %(default)s)")
    parser.add_argument("--facility", default="nanoterasu_sim", help="simulated profile (default: %(default)s)")
    parser.add_argument("--scenario", default="demo", help="shipped scenario or .toml file (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--start", type=parse_time, metavar="TIME", help="first instant, in the past (default: now)")
    parser.add_argument("--speed", type=float, default=1.0, help="from --start until now (default: %(default)s)")
    parser.add_argument("--seconds", type=float, help="end after so much simulated time (default: never)")
    parser.add_argument("--load", type=int, metavar="N", help="instead of a machine: N signals of a load")
    parser.add_argument("--rate", type=float, default=10.0, metavar="HZ", help="of a load (default: %(default)s)")
    parser.add_argument("--written", type=Path, metavar="FILE", help="append each sample to this CSV before sending it")
    parser.add_argument("--key", type=Path, metavar="FILE", help="write the answer key at the end")
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    simulated: Load | Machine
    if arguments.load is not None:
        simulated = Load(arguments.load, arguments.rate, arguments.seed)
        signals = simulated.names
    else:
        profile = load_profile(arguments.facility)
        simulated = Machine(profile, load_scenario(arguments.scenario), arguments.seed)
        signals = simulated.signals
    start = arguments.start if arguments.start is not None else system_clock() // NS_PER_S * NS_PER_S + NS_PER_S
    end = None if arguments.seconds is None else start + to_ns(arguments.seconds)
    feed = Feed(simulated, system_clock, start_ns=start, end_ns=end, speed=arguments.speed)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, feed.end)
    publisher = Publisher(arguments.url, ring_topics(simulated.profile.id, signals), written=arguments.written)
    published = await publisher.run(feed.items())
    if arguments.key is not None and feed.done_ns > start:
        simulated.answer_key(start, feed.done_ns).write(arguments.key)
    print(f"SIMULATED: {published.samples} samples published, {published.resent} sent again")


def main() -> None:
    """Publish until the end; SIGTERM ends it in order, with all acknowledged and the key written, SIGINT at once."""
    logging.basicConfig(format="%(message)s")
    try:
        asyncio.run(_main(_arguments()))
    except KadoError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
