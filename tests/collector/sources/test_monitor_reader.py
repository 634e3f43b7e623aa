"""What a reader of a control system does that cannot be seen from outside a server: clocks, heartbeats, defects."""

import asyncio
from typing import Any

import numpy as np
import pytest

from collector.sources.channels import Channels
from collector.sources.epics_ca.spec import PvMapping
from collector.sources.monitor_reader import MonitorOptions, MonitorReader
from collector.sources.update_queue import HEARTBEAT, LOST, UpdateQueue
from collector.sources.updates import Columns
from facility.batch import Int32
from facility.errors import UnreachableError
from facility.profile import load_profile
from facility.source import Delivery, GapReport, LinkReport
from facility.time import NS_PER_S
from scripted_source import FACILITY, T0

PROFILE = load_profile(FACILITY)
SIGNALS = ("stored_current", "shutter_01")
Update = tuple[int, float, str | None]
"""(time_ns, number, text)."""


def decode(codes: Int32, updates: list[Update]) -> Columns:
    times, numbers, texts = zip(*updates, strict=True)
    return Columns(codes, np.array(times, np.int64), np.array(numbers, np.float64), list(texts))


class Rig:
    """A reader with a clock that stands still until it is moved."""

    def __init__(self, **options: Any) -> None:
        self.now = T0
        self.queue = UpdateQueue(1000)
        channels = Channels.of(PROFILE, [PvMapping(pv=s, signal=s) for s in SIGNALS])
        settings = MonitorOptions("ring", "here", batch_delay_s=0, **options)
        self.reader = MonitorReader(channels, self.queue, decode, lambda: self.now, settings)
        self.items = self.reader.items()
        self._next: asyncio.Task[Any] | None = None

    def put(self, signal: str, time_ns: int, value: float | str) -> None:
        text = value if isinstance(value, str) else None
        self.queue.put(SIGNALS.index(signal), (time_ns, float("nan") if text else value, text))

    async def next(self) -> Any:
        return await asyncio.wait_for(anext(self.items), 60)

    async def samples(self) -> list[tuple[str, int, Any, str | None]]:
        delivery = await self.next()
        assert isinstance(delivery, Delivery), delivery
        batch = delivery.batch
        assert batch is not None
        words = (*batch.words, None)
        return [
            (batch.signals[s], t, words[w] if w >= 0 else v, words[r])
            for s, t, v, w, r in zip(
                batch.signal.tolist(),
                batch.time_ns.tolist(),
                batch.value.tolist(),
                batch.state.tolist(),
                batch.reason.tolist(),
                strict=True,
            )
        ]


async def test_an_initial_value_holds_from_the_connection_if_its_signal_is_sent_on_change() -> None:
    rig = Rig()
    rig.put("stored_current", T0 - 100, 200.0)
    rig.put("shutter_01", T0 - 1000, "open")
    assert await rig.samples() == [
        ("stored_current", T0 - 100, 200.0, None),
        ("shutter_01", T0 - 1000, "open", None),
        ("shutter_01", T0, "open", "initial"),
    ]


async def test_a_change_right_after_the_initial_value_is_what_holds_from_the_connection_on() -> None:
    rig = Rig()
    rig.put("shutter_01", T0 - 1000, "open")
    rig.put("shutter_01", T0 - 10, "closed")
    assert (await rig.samples())[2:] == [("shutter_01", T0, "closed", "initial")]


async def test_a_source_whose_clock_is_behind_does_not_leave_the_initial_value_standing() -> None:
    rig = Rig()
    rig.put("shutter_01", T0 - 10 * NS_PER_S, "open")
    await rig.samples()
    rig.now += NS_PER_S
    # Half a second later by our clock, a second earlier by its own.
    rig.put("shutter_01", T0 - NS_PER_S, "closed")
    assert await rig.samples() == [
        ("shutter_01", T0 - NS_PER_S, "closed", None),
        ("shutter_01", T0, "closed", "initial"),
    ]
    rig.put("shutter_01", T0 + 1, "open")
    assert await rig.samples() == [("shutter_01", T0 + 1, "open", None)]


@pytest.mark.parametrize("stamp", [0, 631_152_000 * NS_PER_S, 631_152_000 * NS_PER_S + 86_400 * NS_PER_S])
async def test_a_stamp_of_a_clock_that_was_never_set_becomes_the_time_of_arrival_and_is_doubted(stamp: int) -> None:
    rig = Rig()
    rig.put("stored_current", stamp, 200.0)
    assert await rig.samples() == [("stored_current", T0, 200.0, "clock")]


async def test_stamps_of_arrival_are_taken_where_the_configuration_asks_for_them() -> None:
    rig = Rig(stamp="arrival")
    rig.put("stored_current", 0, 200.0)
    rig.put("shutter_01", T0 - 1000, "open")
    assert await rig.samples() == [("stored_current", T0, 200.0, None), ("shutter_01", T0, "open", None)]


async def test_nan_and_infinity_are_bad_samples_without_a_number() -> None:
    rig = Rig()
    rig.put("stored_current", T0, float("inf"))
    ((_, _, value, reason),) = await rig.samples()
    assert (np.isnan(value), reason) == (True, "not_finite")


async def lose_shutter(rig: Rig, after_s: float) -> tuple[str, int, Any, str | None]:
    """Let one of two channels be lost some time after it was heard, and return the sample that ends it."""
    rig.put("stored_current", T0, 200.0)
    await rig.samples()
    rig.now += int(after_s * NS_PER_S)
    rig.put("stored_current", rig.now, 200.0)
    await rig.samples()
    rig.queue.put(1, LOST)
    getting = asyncio.create_task(rig.samples())
    await asyncio.sleep(0.1)
    rig.now += NS_PER_S
    (ended,) = await getting
    return ended


async def test_one_lost_channel_ends_by_a_bad_sample_since_it_was_heard_and_the_link_stays_up() -> None:
    rig = Rig(detects_loss_s=30.0)
    rig.put("shutter_01", T0 - NS_PER_S, "open")
    signal, time_ns, _, reason = await lose_shutter(rig, 10.0)
    assert (signal, time_ns, reason) == ("shutter_01", T0, "disconnected")


async def test_a_quiet_channel_was_known_to_be_there_until_the_library_would_have_noticed() -> None:
    rig = Rig(detects_loss_s=30.0)
    rig.put("shutter_01", T0 - NS_PER_S, "open")
    signal, time_ns, _, _ = await lose_shutter(rig, 3600.0)
    assert (signal, time_ns) == ("shutter_01", T0 + 3570 * NS_PER_S)


async def test_a_lost_channel_whose_clock_is_ahead_ends_after_its_last_sample() -> None:
    rig = Rig(detects_loss_s=30.0)
    rig.put("shutter_01", T0 + NS_PER_S, "open")
    signal, time_ns, _, _ = await lose_shutter(rig, 0.5)
    assert (signal, time_ns) == ("shutter_01", T0 + NS_PER_S + 1)


async def test_when_the_last_channel_is_lost_the_link_is_down_since_something_was_heard() -> None:
    rig = Rig(detects_loss_s=30.0)
    rig.put("stored_current", T0, 200.0)
    await rig.samples()
    rig.now += 20 * NS_PER_S
    rig.queue.put(0, LOST)
    assert await rig.next() == LinkReport(T0, "down", "disconnected")
    with pytest.raises(UnreachableError, match="all 2 channels"):
        await rig.next()


async def test_a_quiet_source_was_known_to_be_there_until_the_library_would_have_noticed() -> None:
    rig = Rig(detects_loss_s=30.0)
    rig.put("stored_current", T0, 200.0)
    await rig.samples()
    rig.now += 3600 * NS_PER_S
    rig.queue.put(0, LOST)
    assert await rig.next() == LinkReport(rig.now - 30 * NS_PER_S, "down", "disconnected")


async def test_a_heartbeat_that_stops_is_a_link_that_is_down_since_its_last_beat_and_states_are_said_again() -> None:
    rig = Rig(heartbeat="HB", heartbeat_timeout_s=5.0)
    rig.queue.put(HEARTBEAT, (T0, 1.0, None))
    rig.put("shutter_01", T0, "open")
    await rig.samples()
    rig.now += 6 * NS_PER_S
    assert await rig.next() == LinkReport(T0, "down", "heartbeat")
    rig.now += NS_PER_S
    rig.queue.put(HEARTBEAT, (rig.now, 2.0, None))
    assert await rig.next() == LinkReport(rig.now, "up", "heartbeat")
    assert await rig.samples() == [("shutter_01", rig.now, "open", "initial")]


async def test_what_finds_the_queue_full_is_a_gap_with_its_number() -> None:
    rig = Rig()
    for i in range(1200):
        rig.put("stored_current", T0 + i, float(i))
    gap = await rig.next()
    assert isinstance(gap, GapReport)
    assert (gap.reason, gap.dropped) == ("overflow", 200)


async def test_an_update_on_which_reading_fails_is_set_aside_and_the_others_are_read() -> None:
    rig = Rig()
    rig.put("stored_current", T0, 1.0)
    rig.queue.put(0, ("no", "update"))
    rig.put("stored_current", T0 + 1, 2.0)
    found: list[float] = []
    rejected: list[tuple[str, str, bytes]] = []
    while len(found) < 2:
        delivery = await rig.next()
        found += [] if delivery.batch is None else delivery.batch.value.tolist()
        rejected += [(r.cause, r.address, r.payload) for r in delivery.rejected]
    assert found == [1.0, 2.0]
    assert rejected == [("processing_failed", "stored_current", b"('no', 'update')")]
