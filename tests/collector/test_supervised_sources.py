"""A source is kept alive: what it yields lands in order, is acknowledged when durable, and its link is recorded."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby

import pytest

from collector import source_loop
from collector.collector import Collector
from collector.intake import Intake
from collector.source_loop import MAX_IN_FLIGHT, NOT_REPLAYABLE
from collector.source_status import LinkState, SourceStatus
from facility.batch import Batch
from facility.errors import AuthorizationError, ConfigError, DataError, KadoError, UnreachableError
from facility.profile import load_profile
from facility.source import SINCE_LAST_COMMIT, Delivery, GapReport, LinkReport, Notice, Rejection
from facility.time import system_clock
from scripted_source import FACILITY, T0, MemoryLanding, ScriptedSource, delivery
from waiting import LONGEST_S, until

PROFILE = load_profile(FACILITY)
LOST = UnreachableError("source ring: connection lost")


class Hasty(random.Random):
    """Waits next to nothing."""

    def uniform(self, a: float, b: float) -> float:
        return 0.001


@pytest.fixture
def landing() -> MemoryLanding:
    return MemoryLanding()


def collect(landing: MemoryLanding, *sources: ScriptedSource) -> Collector:
    intake = Intake(PROFILE, [s.id for s in sources], system_clock)
    return Collector(PROFILE, sources, intake, landing, system_clock, Hasty())


@asynccontextmanager
async def running(collector: Collector) -> AsyncIterator[None]:
    task = asyncio.create_task(collector.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait([task])


def status(collector: Collector) -> SourceStatus:
    return collector.status()["ring"]


# --- Landing and acknowledging


async def test_deliveries_land_and_are_acknowledged_in_their_order(landing: MemoryLanding) -> None:
    source = ScriptedSource([delivery(i, token=i) for i in range(20)])
    collector = collect(landing, source)
    async with running(collector):
        await until(lambda: source.readers and len(source.reader.acknowledged) == 20)
    assert source.reader.acknowledged == list(range(20))
    assert landing.values == list(range(20))
    assert (status(collector).samples, status(collector).newest_ns) == (20, T0)


async def test_nothing_is_acknowledged_before_it_is_durable(landing: MemoryLanding) -> None:
    source = ScriptedSource([delivery(1, token="one"), delivery(2, token="two")])
    collector = collect(landing, source)
    landing.hold()
    async with running(collector):
        await until(lambda: source.readers and source.reader.yielded == 2)
        await asyncio.sleep(0.02)
        assert source.reader.acknowledged == []
        landing.release()
        await until(lambda: source.reader.acknowledged == ["one", "two"])


async def test_reading_goes_on_while_a_commit_is_under_way_but_not_without_bound(landing: MemoryLanding) -> None:
    source = ScriptedSource([delivery(i, token=i) for i in range(100)])
    collector = collect(landing, source)
    landing.hold()
    async with running(collector):
        await asyncio.sleep(0.1)
        # One is waited for, so many are queued, one waits to be queued.
        assert MAX_IN_FLIGHT < source.reader.yielded <= MAX_IN_FLIGHT + 2
        assert status(collector).in_flight == MAX_IN_FLIGHT
        landing.release()
        await until(lambda: len(source.reader.acknowledged) == 100)


async def test_what_is_rejected_is_counted_and_acknowledged(landing: MemoryLanding) -> None:
    rejected = (Rejection("bad_json", "ring/x", b"{", "not JSON", T0, count=3),)
    source = ScriptedSource([Delivery(None, rejected, "bad"), delivery(float("inf"), token="inf")])
    collector = collect(landing, source)
    async with running(collector):
        await until(lambda: source.readers and source.reader.acknowledged == ["bad", "inf"])
    assert [r.cause for a in landing.landed for r in a.rejected] == ["bad_json", "not_finite"]
    assert (status(collector).samples, status(collector).rejected) == (0, 4)


# --- Connections


async def test_a_lost_connection_is_made_again_and_what_was_read_has_landed(landing: MemoryLanding) -> None:
    source = ScriptedSource([delivery(1, token=1), delivery(2, token=2), LOST], [delivery(3, token=3)])
    collector = collect(landing, source)
    async with running(collector):
        await until(lambda: len(source.readers) == 2 and source.reader.acknowledged)
        assert status(collector).state == LinkState.UP
        assert status(collector).connects == 2
        assert status(collector).last_error == "source ring: connection lost"
    assert [r.acknowledged for r in source.readers] == [[1, 2], [3]]
    assert landing.values == [1, 2, 3]
    # A heartbeat in between is no change.
    assert [link for link, _ in groupby(landing.links)] == [
        ("ring", "up", ""), ("ring", "down", "UnreachableError"), ("ring", "up", ""), ("ring", "down", "stopped"),
    ]  # fmt: skip
    assert source.open == 0


async def test_an_unreachable_source_is_tried_for_ever_and_its_outage_recorded_once(landing: MemoryLanding) -> None:
    source = ScriptedSource(UnreachableError("no route"))
    collector = collect(landing, source)
    async with running(collector):
        await until(lambda: source.attempts > 20)
        await until(lambda: status(collector).state == LinkState.DOWN)
        assert status(collector).last_error == "no route"
    assert landing.links == [("ring", "down", "UnreachableError")]


@pytest.mark.parametrize("error", [AuthorizationError("wrong password"), DataError("odd"), KadoError("other")])
async def test_any_failure_of_the_source_is_tried_again(landing: MemoryLanding, error: KadoError) -> None:
    source = ScriptedSource(error, [error], [delivery(1)])
    async with running(collect(landing, source)):
        await until(lambda: landing.values == [1])


async def test_a_source_that_ends_is_connected_again(landing: MemoryLanding) -> None:
    source = ScriptedSource([delivery(1), None], [delivery(2)])
    collector = collect(landing, source)
    async with running(collector):
        await until(lambda: landing.values == [1, 2])
        assert status(collector).last_error == "source ring ended the connection"


async def test_a_source_that_cannot_be_reached_does_not_disturb_the_others(landing: MemoryLanding) -> None:
    away = ScriptedSource(UnreachableError("no route"), name="away")
    ring = ScriptedSource([delivery(1, 2, 3)])
    collector = collect(landing, away, ring)
    async with running(collector):
        await until(lambda: landing.values == [1, 2, 3] and away.attempts > 2)
        assert set(collector.status()) == {"away", "ring"}


@pytest.mark.parametrize(
    ("error", "when"),
    [
        (ZeroDivisionError("bug"), "connecting"),
        (ZeroDivisionError("bug"), "reading"),
        (ConfigError("wrong key"), "connecting"),
    ],
)
async def test_a_programming_error_or_wrong_configuration_ends_the_collector(
    landing: MemoryLanding, error: Exception, when: str
) -> None:
    source = ScriptedSource(error) if when == "connecting" else ScriptedSource([delivery(1), error])
    async with asyncio.timeout(LONGEST_S):
        with pytest.raises(ExceptionGroup) as raised:
            await collect(landing, source, ScriptedSource([], name="other")).run()
    assert raised.group_contains(type(error), match=str(error))
    assert source.open == 0


async def test_a_password_file_that_is_missing_at_a_reconnect_pauses_that_source_alone(landing: MemoryLanding) -> None:
    gone = ConfigError("password_file cannot be read")
    source = ScriptedSource([delivery(1), UnreachableError("broker restarted")], gone, gone, [delivery(2)])
    other = ScriptedSource([delivery(7)], name="other")
    async with running(collect(landing, source, other)):
        await until(lambda: 2 in landing.values)
    assert sorted(landing.values) == [1, 2, 7]
    assert source.attempts == 4


async def test_what_a_connection_does_not_promise_is_logged_once_and_counted(
    landing: MemoryLanding, caplog: pytest.LogCaptureFixture
) -> None:
    source = ScriptedSource([delivery(1), None], [delivery(2), None], [delivery(3)])
    source.notices = (Notice("qos_not_granted", "the broker grants QoS 0"),)
    collector = collect(landing, source)
    async with running(collector):
        await until(lambda: landing.values == [1, 2, 3])
        assert status(collector).notices == (("the broker grants QoS 0", 3),)
    assert caplog.text.count("the broker grants QoS 0") == 1


async def test_the_first_rejection_of_a_kind_is_logged(
    landing: MemoryLanding, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(cause: str, address: str) -> Delivery:
        return Delivery(None, (Rejection(cause, address, b"x", f"{address} is {cause}", T0),), token=1)

    source = ScriptedSource(
        [wrong("bad_json", "a"), wrong("bad_json", "a"), wrong("bad_time", "a"), wrong("bad_json", "b")]
    )
    collector = collect(landing, source)
    async with running(collector):
        await until(lambda: status(collector).rejected == 4)
    logged = [r.getMessage() for r in caplog.records if "is rejected" in r.getMessage()]
    assert [text.split(" is rejected")[0] for text in logged] == ["source ring: a"] * 2 + ["source ring: b"]
    assert "a is bad_json" in logged[0]
    assert "kado dead-letters list" in logged[0]


async def test_of_more_kinds_of_rejection_than_the_limit_the_rest_is_counted_and_not_logged(
    landing: MemoryLanding, caplog: pytest.LogCaptureFixture
) -> None:
    many = tuple(Rejection("bad_json", f"a{i}", b"x", "not JSON", T0) for i in range(1_200))
    collector = collect(landing, ScriptedSource([Delivery(None, many, token=1), Delivery(None, many, token=2)]))
    async with running(collector):
        await until(lambda: status(collector).rejected == 2_400)
    logged = [r.getMessage().split(" is rejected")[0] for r in caplog.records if "is rejected" in r.getMessage()]
    assert logged == [f"source ring: a{i}" for i in range(1_000)]
    assert sum(len(arrival.rejected) for arrival in landing.landed) == 2_400


@pytest.mark.parametrize("reason", ["clock", "too_early"])
async def test_a_stamp_that_cannot_be_true_is_never_the_newest(landing: MemoryLanding, reason: str) -> None:
    batch = Batch.build(
        FACILITY, ["stored_current"], [0, 0], [T0, 2 * T0], value=[1.0, 2.0], quality=[0, 1], reason=[-1, 0],
        words=[reason],
    )  # fmt: skip
    collector = collect(landing, ScriptedSource([Delivery(batch)]))
    async with running(collector):
        await until(lambda: status(collector).samples == 2)
        # Simulated data: intake marks what it sees by its own clock, and leaves what is marked.
        assert status(collector).newest_ns == T0


async def test_a_landing_that_is_closed_ends_the_collector(landing: MemoryLanding) -> None:
    async def refuse(arrival: object) -> None:
        raise UnreachableError("the landing was closed")

    landing.land = refuse  # type: ignore[method-assign]  # replaced on purpose
    source = ScriptedSource([delivery(1, token=1)])
    async with asyncio.timeout(LONGEST_S):
        with pytest.raises(ExceptionGroup) as raised:
            await collect(landing, source).run()
    assert raised.group_contains(UnreachableError, match="the landing was closed")
    assert source.reader.acknowledged == []


# --- Gaps


async def test_a_source_that_keeps_nothing_has_a_gap_before_each_connection(landing: MemoryLanding) -> None:
    source = ScriptedSource([delivery(1), LOST], [delivery(2)], replayable=False)
    async with running(collect(landing, source)):
        await until(lambda: landing.values == [1, 2])
    assert [(g.start_ns, g.reason) for g in landing.gaps] == [(SINCE_LAST_COMMIT, NOT_REPLAYABLE)] * 2
    first_kinds = ["gap" if a.gaps else "samples" for a in landing.landed][:3]
    assert first_kinds == ["gap", "samples", "samples"]


async def test_a_source_that_replays_has_no_gap_but_those_it_reports(landing: MemoryLanding) -> None:
    gap = GapReport(1, 2, "session_lost", 3)
    source = ScriptedSource([gap, delivery(1), LOST], [delivery(2)])
    async with running(collect(landing, source)):
        await until(lambda: landing.values == [1, 2])
    assert landing.gaps == [gap]


# --- The link


async def test_a_live_link_is_recorded_again_and_again(landing: MemoryLanding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_loop, "HEARTBEAT_S", 0.01)
    collector = collect(landing, ScriptedSource([]))
    async with running(collector):
        await until(lambda: len(landing.links) >= 4)
    assert set(landing.links[:-1]) == {("ring", "up", "")}
    times = [a.batch.time_ns[0] for a in landing.landed if a.batch is not None]
    assert times == sorted(set(times))


async def test_a_source_that_reports_its_link_down_gives_no_heartbeat(
    landing: MemoryLanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_loop, "HEARTBEAT_S", 0.01)
    down = LinkReport(T0, "down", "no carrier")
    collector = collect(landing, ScriptedSource([down]))
    async with running(collector):
        await until(lambda: status(collector).state == LinkState.DOWN)
        before = len(landing.links)
        await asyncio.sleep(0.05)
        assert len(landing.links) == before
    assert landing.links[-1] == ("ring", "down", "no carrier")


async def test_the_end_is_recorded_and_a_full_landing_does_not_hold_it_up(
    landing: MemoryLanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_loop, "_LAST_WORD_S", 0.05)
    source = ScriptedSource([delivery(1)])
    collector = collect(landing, source)
    task = asyncio.create_task(collector.run())
    await until(lambda: landing.values)
    landing.hold(links_too=True)
    task.cancel()
    async with asyncio.timeout(LONGEST_S):
        await asyncio.wait([task])
    assert task.cancelled()
    assert source.open == 0
