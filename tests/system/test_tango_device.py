"""A real Tango device, read by a DeviceProxy: polled, and by change events."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from conversation import Conversation
from facility.time import NS_PER_S, parse_time
from servers import free_port
from waiting import wait_for

pytest.importorskip("tango", reason='no pytango: pip install "kado[tango]"')
START = parse_time("2026-11-10T10:00:00+09:00")


class Device:
    """A device that shows what it is told to, and a client of it."""

    def __init__(self) -> None:
        place = f"tango://127.0.0.1:{free_port()}/kado/sim/1"
        self.server = Conversation("scripted_outlet.py", place, "nanoterasu_sim")
        self.server.ask("notes")
        self.client = Conversation("tango_client.py", f"{place}#dbase=no")
        self._before: dict[str, int] = {}

    def release(self, *items: Any) -> int:
        return self.server.ask("release", items=items)

    def monitor(self, attribute: str, value: Any) -> None:
        """Subscribe, and return once events come: Tango does not say when they begin to."""
        self.client.ask("monitor", attributes=[attribute])
        for tried in range(40):
            stamp = START - (1 + tried) * NS_PER_S
            self.release({"samples": [[attribute, stamp, value, "good"]]})
            with suppress(AssertionError):
                wait_for(lambda: self._last_stamp(attribute) == stamp // 1000, 0.5)  # noqa: B023  # called at once
            if self._last_stamp(attribute) == stamp // 1000:
                self._before[attribute] = len(self._events(attribute))
                return
        pytest.fail(f"no event of {attribute} came in 20 s")

    def seen(self, attribute: str, number: int) -> list[tuple[int, Any, str]]:
        """Wait for so many events since `monitor`; return all of them as (time in us, value, quality)."""
        before = self._before[attribute]
        wait_for(lambda: len(self._events(attribute)) >= before + number)
        return self._events(attribute)[before:]

    def _last_stamp(self, attribute: str) -> int | None:
        events = self._events(attribute)
        # The first is what was read at the subscription.
        return events[-1][0] if len(events) > 1 else None

    def _events(self, attribute: str) -> list[tuple[int, Any, str]]:
        own = [u for u in self.client.updates if u["attribute"] == attribute]
        assert not any("lost" in u for u in own), own
        return [(u["time_us"], u["value"], u["quality"]) for u in own]

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device()
    yield device
    device.close()


def test_events_carry_the_samples_own_stamp_to_the_microsecond_and_its_quality(device: Device) -> None:
    device.monitor("beam_lifetime", 1.0)
    device.release(
        {
            "samples": [
                ["beam_lifetime", START + 123_456_000, 7.25, "good"],
                ["beam_lifetime", START + 10 * NS_PER_S + 1000, 7.5, "uncertain"],
                ["beam_lifetime", START + 20 * NS_PER_S + 999_999_000, 0.0, "bad"],
                ["beam_lifetime", START + 15 * NS_PER_S + 1_999, 7.75, "good"],
            ]
        }
    )
    first = START // 1000
    assert device.seen("beam_lifetime", 4) == [
        (first + 123_456, 7.25, "VALID"),
        (first + 10_000_001, 7.5, "WARNING"),
        (first + 20_999_999, None, "INVALID"),
        (first + 15_000_001, 7.75, "VALID"),
    ]


def test_a_burst_is_pushed_whole_also_where_nothing_changes(device: Device) -> None:
    device.monitor("stored_current", 1.0)
    device.monitor("machine_mode", "tuning")
    numbers = [["stored_current", START + i * NS_PER_S, 200.0, "good"] for i in range(400)]
    states = [["machine_mode", START + i * NS_PER_S, "user" if i < 200 else "study", "good"] for i in range(400)]
    device.release({"samples": [s for pair in zip(numbers, states, strict=True) for s in pair]})
    assert device.seen("stored_current", 400) == [(t // 1000, v, "VALID") for _, t, v, _ in numbers]
    words = [0 if word == "user" else 1 for _, _, word, _ in states]
    assert device.seen("machine_mode", 400) == [(s[1] // 1000, w, "VALID") for s, w in zip(states, words, strict=True)]


def test_who_polls_gets_the_newest_sample_with_its_own_stamp(device: Device) -> None:
    device.release({"samples": [["rf_voltage", START + 60 * NS_PER_S, 3.5, "good"]]})
    newest = {"time_us": START // 1000 + 60_000_000, "value": 3.5, "quality": "VALID"}
    assert device.client.ask("read", attribute="rf_voltage") == newest
    # Polled by the server itself, as an archiver may have it.
    device.client.ask("poll", attribute="rf_voltage", period_ms=100)
    wait_for(lambda: device.client.ask("read", attribute="rf_voltage") == newest)
    assert device.client.ask("read", attribute="rf_voltage") == newest
    assert device.client.ask("read", attribute="shutter_28")["quality"] == "INVALID"


def test_a_lost_link_makes_every_attribute_invalid_and_the_device_faulty(device: Device) -> None:
    device.monitor("ion_chamber", 1.0)
    lost_ns, back_ns = START + 15 * NS_PER_S, START + 60 * NS_PER_S
    device.release({"samples": [["ion_chamber", START, 3.5, "good"]]}, {"link": "down", "time_ns": lost_ns})
    state, status = device.client.ask("state")
    assert (state, status) == (
        "FAULT",
        "SIMULATED / 模擬データ: nanoterasu_sim, scenario quiet_week, seed 1; link down",
    )
    device.release({"link": "up", "time_ns": back_ns}, {"samples": [["ion_chamber", back_ns, 3.25, "good"]]})
    assert device.client.ask("state")[0] == "ON"
    assert device.seen("ion_chamber", 3) == [
        (START // 1000, 3.5, "VALID"),
        (lost_ns // 1000, None, "INVALID"),
        (back_ns // 1000, 3.25, "VALID"),
    ]


def test_an_attribute_says_its_unit_its_words_and_that_it_is_simulated(device: Device) -> None:
    current = device.client.ask("about", attribute="stored_current")
    assert (current["unit"], current["label"], current["format"]) == ("mA", "Stored current 蓄積電流", "%.3f")
    assert current["description"] == "SIMULATED / 模擬データ"
    mode = device.client.ask("about", attribute="machine_mode")
    assert mode["words"] == ["user", "study", "tuning", "maintenance", "shutdown", "refill"]


def test_faults_are_injected_and_repaired_by_commands(device: Device) -> None:
    injected = device.client.ask("command", name="inject", argument=["monitor_dropout", "length_s=600", "reads=zero"])
    assert injected.startswith("monitor_dropout from ")
    assert [line[:15] for line in device.client.ask("command", name="broken")] == ["monitor_dropout"]
    refused = device.client.ask("command", name="inject", argument=["monitor_freeze"])
    assert "contradicts monitor_dropout" in refused["refused"]
    refused = device.client.ask("command", name="inject", argument=["beam_dump", "length_s=long"])
    assert refused["refused"] == "length_s='long' is not a number of seconds"
    assert "repaired: monitor_dropout" in device.client.ask("command", name="repair", argument="all")
    assert device.client.ask("command", name="broken") == []
