"""The simulator as a source releases its history as the clock passes it."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from facility.batch import Batch
from facility.errors import ScenarioError
from facility.profile import Profile, load_profile
from facility.source import Delivery, LinkReport
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, parse_time, to_datetime
from simulators.feed import Feed
from simulators.machine import Machine
from simulators.scenario import Effect, load_scenario
from simulators.source import MAX_UNACKNOWLEDGED, SimulatorSource
from waiting import LONGEST_S

PROFILE = load_profile("nanoterasu_sim")
REAL = load_profile("nanoterasu")
DEMO, STORM = load_scenario("demo"), load_scenario("storm")
OTHERS = {name: load_profile(name) for name in ("sacla_sim", "mlf_sim", "maxiv_sim")}
NOON = parse_time("2026-11-12T12:00+09:00")


class HandClock:
    """A clock that stands still until it is told."""

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


def source(**options: object) -> SimulatorSource:
    return SimulatorSource.model_validate({"id": "ring", "scenario": "demo", **options})


def start(ns: int) -> dict[str, object]:
    return {"start": to_datetime(ns)}


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let feeds look at the clock often."""
    monkeypatch.setattr("simulators.feed.POLL_S", 0.002)


async def collect(
    spec: SimulatorSource, clock: HandClock, until_ns: int, step_ns: int = NS_PER_H, profile: Profile = PROFILE
) -> tuple[list[Batch], list[LinkReport]]:
    """Let the clock step to `until_ns` whenever the reader has nothing, and return what was delivered up to there."""
    batches: list[Batch] = []
    reports: list[LinkReport] = []
    async with asyncio.timeout(LONGEST_S), spec.connect(profile, clock) as reader, aclosing(reader.items()) as items:
        while not batches or batches[-1].time_ns[-1] < until_ns:
            following = asyncio.ensure_future(anext(items))
            while not (await asyncio.wait([following], timeout=0.02))[0]:
                clock.ns = min(clock.ns + step_ns, until_ns)
            item = following.result()
            if isinstance(item, LinkReport):
                reports.append(item)
            elif isinstance(item, Delivery) and item.batch is not None:
                batches.append(item.batch)
                await reader.acknowledge(item.token)
    return batches, reports


def same(live: list[Batch], history: list[Batch]) -> bool:
    a, b = Batch.concat(live), Batch.concat(history)
    columns = ("signal", "time_ns", "value", "state", "quality")
    return all(getattr(a, c).tobytes() == getattr(b, c).tobytes() for c in columns) and a.words == b.words


async def test_live_samples_are_those_of_the_history() -> None:
    end = NOON + 30 * NS_PER_H
    live, _ = await collect(source(), HandClock(NOON), end)
    machine = Machine(PROFILE, DEMO)
    assert same(live, list(machine.history(NOON, end + 1)))


async def test_nothing_is_released_before_the_clock_has_passed_it() -> None:
    clock = HandClock(NOON)
    async with source().connect(PROFILE, clock) as reader, aclosing(reader.items()) as items:
        assert await anext(items) == LinkReport(NOON, "up")
        first = await anext(items)
        assert isinstance(first, Delivery)
        assert first.batch is not None
        assert set(first.batch.time_ns.tolist()) == {NOON}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(items)


async def test_what_has_passed_already_comes_at_once_so_history_goes_on_without_a_seam() -> None:
    began = NOON - 5 * NS_PER_DAY - 17 * NS_PER_S
    live, _ = await collect(source(**start(began)), HandClock(NOON), NOON)
    machine = Machine(PROFILE, DEMO)
    assert same(live, list(machine.history(began, NOON + 1)))
    assert all(np.all(b.arrival_ns == NOON) for b in live)


async def test_at_another_speed_simulated_time_runs_from_its_start_until_it_meets_the_clock() -> None:
    began = NOON - 1000 * NS_PER_S
    clock = HandClock(NOON)
    spec = source(speed=11, **start(began))
    async with spec.connect(PROFILE, clock) as reader, aclosing(reader.items()) as items:
        newest = began
        for seconds, expected in (
            (10, began + 110 * NS_PER_S),
            (90, began + 990 * NS_PER_S),
            (200, NOON + 200 * NS_PER_S),
        ):
            clock.ns = NOON + seconds * NS_PER_S
            while newest < expected:
                item = await anext(items)
                if isinstance(item, Delivery) and item.batch is not None:
                    newest = int(item.batch.time_ns[-1])
                    await reader.acknowledge(None)
            assert newest == expected


async def test_a_simulated_link_outage_is_silence_and_a_lost_link() -> None:
    machine = Machine(PROFILE, DEMO)
    (outage,) = [f for f in machine.faults(*_november()) if f.cause == "network"]
    begin = outage.start_ns - 60 * NS_PER_S
    live, reports = await collect(
        source(), HandClock(begin), (outage.end_ns // NS_PER_S + 60) * NS_PER_S, 20 * NS_PER_S
    )
    assert [r.state for r in reports] == ["up", "down", "up"]
    assert reports[-1].time_ns == outage.end_ns
    times = Batch.concat(live).time_ns
    assert not np.any((times >= outage.start_ns) & (times < outage.end_ns))


async def test_connecting_inside_a_link_outage_finds_the_link_down() -> None:
    machine = Machine(PROFILE, DEMO)
    (outage,) = [f for f in machine.faults(*_november()) if f.cause == "network"]
    async with source().connect(PROFILE, HandClock(outage.end_ns - 1)) as reader, aclosing(reader.items()) as items:
        first = await anext(items)
    assert isinstance(first, LinkReport)
    assert first.state == "down"


async def test_a_reader_that_is_not_acknowledged_stops() -> None:
    spec = source(**start(NOON - 2 * NS_PER_DAY))
    async with spec.connect(PROFILE, HandClock(NOON)) as reader, aclosing(reader.items()) as items:
        for _ in range(1 + MAX_UNACKNOWLEDGED):
            await anext(items)
        waiting = asyncio.ensure_future(anext(items))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await reader.acknowledge(None)
        assert isinstance(await waiting, Delivery)


@pytest.mark.parametrize("facility", OTHERS)
async def test_live_samples_of_other_machines_are_those_of_their_history(facility: str) -> None:
    profile = OTHERS[facility]
    end = NOON + 14 * NS_PER_H
    live, _ = await collect(source(), HandClock(NOON), end, profile=profile)
    assert same(live, list(Machine(profile, DEMO).history(NOON, end + 1)))


async def test_samples_that_are_sent_twice_late_or_wrongly_stamped_come_live_as_in_history() -> None:
    machine = Machine(PROFILE, STORM)
    day = parse_time("2026-10-01T00:00Z")
    effects = (Effect.DUPLICATES, Effect.OUT_OF_ORDER, Effect.CLOCK_STEP)
    first = {e: next(f for f in machine.faults(day, day + 40 * NS_PER_DAY) if f.effect is e) for e in effects}
    for fault in first.values():
        start, end = fault.start_ns - 60 * NS_PER_S, fault.start_ns + 20 * 60 * NS_PER_S
        feed = Feed(machine, HandClock(end), start_ns=start, end_ns=end)
        live = [item async for item in feed.items() if isinstance(item, Batch)]
        assert same(live, list(machine.history(start, end)))


async def test_only_the_signals_asked_for_are_delivered() -> None:
    live, _ = await collect(source(signals=["stored_current"]), HandClock(NOON), NOON + 10 * NS_PER_S)
    batch = Batch.concat(live)
    assert {batch.signals[code] for code in batch.signal.tolist()} == {"stored_current"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"signals": ["vacuum"]},
            "source ring: the simulated nanoterasu_sim has no signal 'vacuum'; it has stored_current",
        ),
        ({"speed": 60.0}, "at speed 60 a simulator needs a start in the past"),
        ({"speed": 60.0, **start(NOON + 1000)}, "must not lie after now"),
        ({"scenario": "fy2099"}, "no scenario 'fy2099'"),
    ],
)
async def test_a_source_that_cannot_be_says_why(options: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        async with source(**options).connect(PROFILE, HandClock(NOON)):
            pass
    assert message in str(caught.value)


async def test_a_real_facility_cannot_have_a_simulated_source() -> None:
    with pytest.raises(ScenarioError, match="facility nanoterasu is a real one"):
        async with source().connect(REAL, HandClock(NOON)):
            pass


@pytest.mark.parametrize("options", [{"speed": 0.0}, {"speed": -1.0}, {"seed": -1}, {"sed": 1}, {"signals": []}])
def test_an_impossible_table_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        source(**options)


def test_the_table_of_kinds_names_the_spec() -> None:
    from importlib import import_module

    from simulators.table import SOURCES

    module, name = SOURCES["simulator"].split(":")
    assert getattr(import_module(module), name) is SimulatorSource


def _november() -> tuple[int, int]:
    period = PROFILE.period("2026-11")
    return period.start_ns, period.end_ns


def test_scenario_files_are_part_of_the_package() -> None:
    folder = Path(__file__).parents[2] / "simulators" / "scenarios"
    assert {p.suffix for p in folder.iterdir()} == {".toml"}
