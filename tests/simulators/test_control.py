"""A running simulator is steered from outside, through a socket in its data directory."""

import asyncio
import json
import socket
import stat
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from facility.batch import Batch
from facility.errors import ScenarioError, UnreachableError, UsageError
from facility.profile import load_profile
from facility.source import Delivery
from facility.time import NS_PER_S, parse_time, to_datetime
from simulators.answer_key import AnswerKey
from simulators.control import ControlDesk, Reply, Request, sockets_folder
from simulators.machine import Machine
from simulators.remote import ask, chosen_simulator, running_simulators
from simulators.scenario import load_scenario
from simulators.source import SimulatorSource
from waiting import until

PROFILE = load_profile("nanoterasu_sim")
QUIET = load_scenario("quiet_week")
START = parse_time("2026-11-12T12:00:00+09:00")
MINUTE = 60 * NS_PER_S


@asynccontextmanager
async def running(
    folder: Path, name: str = "ring", told: list[str] | None = None, lasts_ns: int = 10 * MINUTE
) -> AsyncGenerator[Machine]:
    """A machine that has released ten minutes, and is steered."""
    machine = Machine(PROFILE, QUIET, 5)
    machine.release(START + lasts_ns)
    tell = None if told is None else told.append
    async with ControlDesk(folder, tell=tell).accept_faults(name, machine, START, lambda: START + lasts_ns):
        yield machine


async def asked(folder: Path, request: Request, name: str = "ring") -> Reply:
    return await asyncio.to_thread(ask, folder, name, request)


async def key_at(path: Path) -> AnswerKey:
    return await asyncio.to_thread(AnswerKey.read, path)


async def line_to(folder: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(sockets_folder(folder) / "ring.sock"))
    writer.write(line)
    await writer.drain()
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_fault_is_injected_seen_and_repaired(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        injected = (await asked(tmp_path, Request(do="inject", effect="beam_dump", cause="rf", length_s=90))).injected
        assert injected is not None
        begin = START + 10 * MINUTE
        assert (injected.start, injected.end, injected.cause) == (begin, begin + 90 * NS_PER_S, "rf")
        machine.release(begin + 30 * NS_PER_S)
        reply = await asked(tmp_path, Request(do="status"))
        assert (reply.name, reply.facility, reply.scenario, reply.seed) == ("ring", "nanoterasu_sim", "quiet_week", 5)
        assert reply.broken == (injected,)
        assert {e.effect: e.reads for e in reply.effects}["witness_fault"] == ("zero", "stuck", "off")
        assert (await asked(tmp_path, Request(do="repair", effect="beam_dump"))).repaired == (injected,)
        after = await asked(tmp_path, Request(do="status"))
        assert after.broken == ()
        assert [(entry.what, entry.fault) for entry in after.done] == [("injected", injected), ("repaired", injected)]
        (fault,) = machine.faults(START, START + 60 * MINUTE)
        assert fault.end_ns == begin + 30 * NS_PER_S


async def test_what_is_refused_says_why_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as machine:
        with pytest.raises(ScenarioError, match="did you mean 'beam_dump'"):
            await asked(tmp_path, Request(do="inject", effect="beam_dum"))
        with pytest.raises(ScenarioError, match="no fault has the effect ''"):
            await asked(tmp_path, Request(do="inject"))
        assert machine.injection.log == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"beam_dump\n", "cannot be read: Invalid JSON"),
        (b'{"do": "explode"}\n', "Input should be 'status', 'inject', 'repair' or 'answers'"),
        (b'{"do": "inject", "effect": "beam_dump", "for": 3}\n', "Extra inputs are not permitted"),
        (b'{"do": "inject", "effect": "beam_dump", "length_s": "3"}\n', "Input should be a valid number"),
    ],
)
async def test_what_cannot_be_read_is_answered_with_the_reason(tmp_path: Path, line: bytes, message: str) -> None:
    async with running(tmp_path) as machine:
        answer = json.loads(await line_to(tmp_path, line))
        assert message in answer["error"]
        assert answer["exit_code"] == 2
        assert machine.injection.log == ()


async def test_who_says_nothing_or_never_ends_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.control.ASKED_WITHIN_S", 0.05)
    async with running(tmp_path):
        assert await line_to(tmp_path, b"") == b""
        with suppress(ConnectionError):
            assert b"cannot be read" in await line_to(tmp_path, b"x" * 200_000)
        # And it still answers.
        assert (await asked(tmp_path, Request(do="status"))).name == "ring"


async def test_who_says_nothing_does_not_keep_the_simulator_from_ending(tmp_path: Path) -> None:
    async with running(tmp_path):
        reader, writer = await asyncio.open_unix_connection(str(sockets_folder(tmp_path) / "ring.sock"))
        await asyncio.sleep(0.05)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_only_the_owner_can_reach_the_socket(tmp_path: Path) -> None:
    async with running(tmp_path):
        folder = sockets_folder(tmp_path)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "ring.sock").stat().st_mode) == 0o600


async def test_where_no_simulator_runs_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"no simulator runs on .*: start 'kado demo', 'kado run'"):
        await asyncio.to_thread(chosen_simulator, tmp_path, None)
    async with running(tmp_path):
        with pytest.raises(UnreachableError, match=r"no simulator 'linac' runs on .*; running: ring"):
            await asyncio.to_thread(chosen_simulator, tmp_path, "linac")
    assert await asyncio.to_thread(running_simulators, tmp_path) == ()
    with pytest.raises(UnreachableError, match=r"simulator ring on .* gave no answer"):
        await asked(tmp_path, Request(do="status"))


async def test_a_socket_left_behind_by_a_killed_simulator_is_noticed_and_replaced(tmp_path: Path) -> None:
    sockets_folder(tmp_path).mkdir()
    left = sockets_folder(tmp_path) / "ring.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(left))
    assert left.exists()
    assert await asyncio.to_thread(running_simulators, tmp_path) == ()
    async with running(tmp_path):
        assert await asyncio.to_thread(chosen_simulator, tmp_path, None) == "ring"
    assert not left.exists()


async def test_of_several_simulators_one_has_to_be_named(tmp_path: Path) -> None:
    async with running(tmp_path), running(tmp_path, "linac"):
        with pytest.raises(UsageError, match=r"2 simulators run on .*: name one of linac, ring"):
            await asyncio.to_thread(chosen_simulator, tmp_path, None)
        assert await asyncio.to_thread(chosen_simulator, tmp_path, "linac") == "linac"


async def test_two_of_the_same_name_do_not_take_it_from_each_other(tmp_path: Path) -> None:
    async with running(tmp_path), running(tmp_path) as second:
        first, other = sorted(await asyncio.to_thread(running_simulators, tmp_path), key=len)
        assert first == "ring"
        await asked(tmp_path, Request(do="inject", effect="beam_dump"), other)
        assert len(second.injection.log) == 1


async def test_a_data_directory_deep_down_can_be_steered_too(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a_rather_long_name"] * 8)
    async with running(deep):
        assert await asyncio.to_thread(chosen_simulator, deep, None) == "ring"
        assert (await asked(deep, Request(do="status"))).name == "ring"


async def test_at_the_end_of_a_steered_session_its_answers_are_kept(tmp_path: Path) -> None:
    told: list[str] = []
    async with running(tmp_path, told=told, lasts_ns=60 * MINUTE) as machine:
        machine.injection.inject("monitor_dropout", length_s=30)
    (key,), (scenario,) = (list((tmp_path / "answers").glob(f"*.{ending}")) for ending in ("json", "toml"))
    assert told == [f"answer key: {key}, session: {scenario}"]
    assert key.stem == scenario.stem == "quiet_week-seed5-20261112T120000"
    assert (await key_at(key)).period.end == START + 60 * MINUTE


async def test_where_nobody_steered_nothing_is_written_unless_somebody_asks(tmp_path: Path) -> None:
    async with running(tmp_path, told=[]):
        pass
    assert not (tmp_path / "answers").exists()
    async with running(tmp_path, told=[]):
        reply = await asked(tmp_path, Request(do="answers"))
        assert reply.answer_key is not None
        assert (await key_at(Path(reply.answer_key))).faults == ()


async def test_before_anything_has_arrived_there_are_no_answers(tmp_path: Path) -> None:
    async with running(tmp_path, lasts_ns=0):
        with pytest.raises(ScenarioError, match="nothing has arrived since the session began at 2026-11-12T03:00:00Z"):
            await asked(tmp_path, Request(do="answers"))


class HandClock:
    """A clock that stands still until it is told."""

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


async def test_a_steered_source_delivers_what_its_session_makes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.feed.POLL_S", 0.002)
    spec = SimulatorSource.model_validate({"id": "ring", "scenario": "storm", "start": to_datetime(START)})
    clock, delivered, told = HandClock(START), list[Batch](), list[str]()
    orders = iter(["beam_dump", "broker_outage", "clock_step", "link_outage", "witness_fault", None])
    source = spec.with_injection_by(ControlDesk(tmp_path, tell=told.append))
    async with source.connect(PROFILE, clock) as reader, aclosing(reader.items()) as items:

        async def take() -> None:
            async for item in items:
                if isinstance(item, Delivery):
                    assert item.batch is not None
                    delivered.append(item.batch)
                    await reader.acknowledge(item.token)

        taking = asyncio.create_task(take())
        for effect in orders:
            clock.ns += 7 * MINUTE + 123_456_789
            await until(lambda: reader.arrived_ns() == clock.ns + 1)
            do = Request(do="inject", effect=effect, length_s=300) if effect else Request(do="repair")
            with suppress(ScenarioError):  # the storm may have been faster
                await asked(tmp_path, do)
        clock.ns += 30 * MINUTE
        await until(lambda: reader.arrived_ns() == clock.ns + 1)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
    assert len(told) == 1
    (session,) = (tmp_path / "answers").glob("*.toml")
    again = await asyncio.to_thread(load_scenario, str(session))
    assert again.period is not None
    machine = Machine(PROFILE, again, 1)
    history = Batch.concat(list(machine.history(START, clock.ns + 1)))
    live = Batch.concat(delivered)
    for column in ("time_ns", "value", "quality"):
        assert getattr(live, column).tobytes() == getattr(history, column).tobytes()
    assert np.array(live.signals)[live.signal].tolist() == np.array(history.signals)[history.signal].tolist()
    key = await key_at(session.with_suffix(".json"))
    assert await asyncio.to_thread(machine.answer_key, key.period.start, key.period.end) == key


async def test_answers_that_cannot_be_kept_are_no_defect_and_not_lost_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    (tmp_path / "answers").touch()
    async with running(tmp_path, told=told):
        await asked(tmp_path, Request(do="inject", effect="beam_dump"))
        with pytest.raises(ScenarioError, match="answers: File exists; make room there"):
            await asked(tmp_path, Request(do="answers"))
    assert told == []
    assert "simulator ring: its answers were not kept: the answers of the session cannot be kept" in caplog.text
