"""What stands when a live simulator starts."""

import json

import httpx
import pytest

from facility.batch import Batch
from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_H, parse_time
from simulators.machine import Machine
from simulators.outlets.http_json import HttpJson
from simulators.outlets.sample import Sample, samples_of
from simulators.scenario import load_scenario
from simulators.standing_states import standing_states

START = parse_time("2026-11-10T10:20:30+09:00")
PROFILE = load_profile("nanoterasu_sim")
SHUTTERS = [f"shutter_{port:02}" for port in range(1, 29)]


def machine() -> Machine:
    return Machine(PROFILE, load_scenario("demo"), 7)


@pytest.mark.parametrize("at_ns", [START, START // NS_PER_DAY * NS_PER_DAY], ids=["by day", "at midnight UTC"])
def test_each_shutter_stands_as_history_had_it_last_before_the_start(at_ns: int) -> None:
    before = samples_of(Batch.concat(list(machine().history(at_ns - 2 * NS_PER_H, at_ns))))
    last = {s.signal: s for s in before if s.signal in SHUTTERS}
    assert [s.signal for s in standing_states(machine(), at_ns)] == SHUTTERS
    assert {s.signal: s for s in standing_states(machine(), at_ns)} == last


@pytest.fixture
def simulated() -> Machine:
    return machine()


@pytest.fixture
def standing() -> tuple[Sample, ...]:
    return standing_states(machine(), START)


async def test_over_http_the_newest_samples_have_it_and_the_samples_do_not(
    simulated: Machine, standing: tuple[Sample, ...]
) -> None:
    outlet = HttpJson("http://127.0.0.1:8421", simulated, lambda: START)
    outlet.show(standing)
    newest = await _asked(outlet, "/last")
    assert {name: newest["last"][name] for name in SHUTTERS} == {s.signal: s.document() for s in standing}
    assert (await _asked(outlet, "/samples"))["samples"] == []
    assert outlet.released.samples == 0


async def _asked(outlet: HttpJson, path: str) -> dict[str, dict[str, object]]:
    transport = httpx.ASGITransport(outlet.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        return json.loads((await client.get(path)).text)
