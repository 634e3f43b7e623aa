"""``kado simulate inject``: an instructor at work on a simulator that runs."""

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Kado
from facility.profile import load_profile
from facility.time import parse_time
from simulators.control import ControlDesk
from simulators.machine import Machine
from simulators.scenario import Effect, load_scenario

START = parse_time("2026-11-12T12:00:00+09:00")
TEN = START + 600 * 10**9


@pytest.fixture
def machine(kado: Kado) -> Iterator[Machine]:
    """A machine that has released ten minutes, steered from the data directory of ``kado.toml`` here."""
    assert kado("init").exit_code == 0
    made = Machine(load_profile("nanoterasu_sim"), load_scenario("quiet_week"), 1)
    made.release(TEN)
    desk = ControlDesk(Path("data").absolute(), tell=None)
    open_doors, over = threading.Event(), threading.Event()

    async def run() -> None:
        async with desk.accept_faults("ring", made, START, lambda: TEN):
            open_doors.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert open_doors.wait(120)
    yield made
    over.set()
    thread.join()


def test_a_fault_is_injected_with_its_times_and_the_way_to_end_it(kado: Kado, machine: Machine) -> None:
    answer = kado("simulate", "inject", "beam_dump", "--for", "1.5min", "--cause", "rf")
    assert answer.exit_code == 0, answer.err
    mark, said, hint = answer.out.splitlines()
    assert "SIMULATED" in mark
    assert said == "beam_dump (cause rf): 2026-11-12 12:10:00 to 2026-11-12 12:11:30 +09:00"
    assert hint == "to end it earlier: kado simulate inject --repair beam_dump"
    (fault,) = machine.faults(TEN, TEN + 1)
    assert (fault.start_ns, fault.end_ns, fault.cause) == (TEN, TEN + 90 * 10**9, "rf")


@pytest.mark.parametrize(
    ("words", "seconds"), [(["--for", "45"], 45), (["--for", "2h"], 7200), (["--for", "1d"], 86_400), ([], 600)]
)
def test_a_length_has_a_unit_or_is_the_usual_one(kado: Kado, machine: Machine, words: list[str], seconds: int) -> None:
    document = kado("simulate", "inject", "link_outage", *words, "--format", "json").document
    assert document["simulated"] is True
    assert parse_time(document["injected"]["end"]) == TEN + seconds * 10**9


def test_a_clock_is_put_ahead_or_behind(kado: Kado, machine: Machine) -> None:
    assert "clock 30 s behind" in kado("simulate", "inject", "clock_step", "--shift", "-30s").out
    assert machine.faults(TEN, TEN + 1)[0].shift_ns == -30 * 10**9


def test_a_repair_says_what_it_ended(kado: Kado, machine: Machine) -> None:
    kado("simulate", "inject", "monitor_dropout", "--reads", "bad")
    kado("simulate", "inject", "link_outage")
    machine.release(TEN + 60 * 10**9)
    out = kado("simulate", "inject", "--repair", "link_outage").out
    assert "link_outage (cause injected): active since 2026-11-12 12:10:00, repaired at 2026-11-12 12:11:00" in out
    assert "monitor_dropout (cause injected, reads bad): active since" in kado("simulate", "inject", "--repair").out
    assert kado("simulate", "inject", "--repair").out.endswith("no fault was active\n")


def test_the_list_shows_what_is_broken_what_was_done_and_everything_that_can_be_injected(
    kado: Kado, machine: Machine
) -> None:
    assert "no fault is active" in kado("simulate", "inject", "--list").out
    kado("simulate", "inject", "witness_fault", "--reads", "stuck")
    out = kado("simulate", "inject").out
    assert re.search(r"^witness_fault +injected +2026-11-12 12:10:00 +2026-11-12 12:40:00 +reads stuck", out, re.M)
    assert re.search(r"^2026-11-12 12:10:00 +injected +witness_fault +injected +30 min, reads stuck", out, re.M)
    for effect in Effect:
        assert re.search(rf"^{effect.value} .*\d (s|min|h)\b", out, re.MULTILINE), effect


def test_the_answers_so_far_are_written_when_asked_for(kado: Kado, machine: Machine) -> None:
    answer = kado("simulate", "inject", "--answers")
    key, session = re.findall(r"^(?:answer key|session): (.*)$", answer.out, re.MULTILINE)
    assert Path(key).is_file()
    assert Path(session).is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["beam_dum"], "did you mean 'beam_dump'"),
        (["beam_dump", "--for", "soon"], "--for 'soon' is not a length of time: write 90s, 20min, 2h or 1d"),
        (["beam_dump", "--for", "0"], "lasts 0.001 to 2592000 s, not 0 s"),
        (["beam_dump", "--reads", "zero"], "leaves no choice"),
        (["beam_dump", "--repair", "--for", "3s"], "--for is for a fault that is injected"),
        (["--reads", "zero"], "--reads is for a fault that is injected: name its effect"),
        (["beam_dump", "--list"], "--list takes no effect: leave 'beam_dump' out"),
        (["--list", "--repair"], "choose one of them"),
        (["--repair", "beam_dump"], "there is no beam_dump to repair"),
    ],
)
def test_wrong_use_says_what_to_do(kado: Kado, machine: Machine, words: list[str], message: str) -> None:
    answer = kado("simulate", "inject", *words)
    assert answer.exit_code == 2
    assert message in answer.err
    assert machine.injection.log == ()


def test_where_no_simulator_runs_it_ends_with_3(kado: Kado) -> None:
    assert kado("init").exit_code == 0
    answer = kado("simulate", "inject", "beam_dump")
    assert answer.exit_code == 3
    assert "no simulator runs on" in answer.err
    assert "start 'kado demo'" in answer.err


def test_a_simulator_that_is_not_there_is_named_with_those_that_are(kado: Kado, machine: Machine) -> None:
    answer = kado("simulate", "inject", "beam_dump", "--source", "linac")
    assert (answer.exit_code, "running: ring" in answer.err) == (3, True)


def test_the_configuration_may_stand_before_or_after_the_command(kado: Kado, machine: Machine, tmp_path: Path) -> None:
    Path("kado.toml").rename("other.toml")
    assert kado("simulate", "inject", "--list").exit_code == 2
    assert kado("simulate", "inject", "--list", "--config", "other.toml").exit_code == 0
    assert kado("simulate", "--config", "other.toml", "inject", "--list").exit_code == 0


def test_options_of_simulate_itself_are_not_swallowed(kado: Kado, machine: Machine) -> None:
    answer = kado("simulate", "--seed", "2", "inject", "beam_dump")
    assert answer.exit_code == 2
    assert "--seed is for 'kado simulate' itself" in answer.err
    assert machine.injection.log == ()
