"""``kado fleet figures``: each piece is what ``kado availability`` says, whoever computed it."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from command_line import Kado
from fatal import square
from kado.queries import fleet
from kado.queries import fleet_workers as executors
from kado.queries.fleet_workers import Lost, processes, this_process
from seeded_ring import DAY, PROFILE
from servers import free_port

PIECES = ("-c", "a/kado.toml", "-c", "b/kado.toml", "-p", DAY, "-p", "2025-05-12", "-d", "sls", "-d", "nanoterasu")
KNOWN_ON = ("--as-known-on", "2199-01-01T00:00:00Z")


@pytest.fixture
def two(kado: Kado, tmp_path: Path, _seeded_folder: Path) -> Kado:
    """Run a command beside two facilities, ``a`` and ``b``, of which ``b`` has another lower limit."""
    for name, minimum in (("a", "10.0"), ("b", "160.0")):
        shutil.copytree(_seeded_folder, tmp_path / name)
        (tmp_path / name / "ring.toml").write_text(PROFILE.replace("minimum = 10.0", f"minimum = {minimum}"))
    return kado


def test_each_piece_is_the_document_of_kado_availability_in_the_order_asked_for(two: Kado) -> None:
    answer = two("fleet", "figures", *PIECES, *KNOWN_ON, "--format", "json")
    assert (answer.exit_code, answer.err) == (0, "")
    order = [(e["config"], e["period"], e["definition"]) for e in answer.document]
    assert order == [
        (f"{name}/kado.toml", period, definition)
        for name in "ab"
        for period in (DAY, "2025-05-12")
        for definition in ("sls", "nanoterasu")
    ]
    for entry in answer.document:
        asked = ("-c", entry["config"], "-p", entry["period"], "-d", entry["definition"], *KNOWN_ON)
        assert entry["availability"] == two("availability", *asked, "--format", "json").document
        assert entry["error"] is None
    # 01:30 without beam in both; the half hour at 150 mA is an outage where 160 mA is the least.
    no_beam = [e["availability"]["accounts_s"]["no_beam"] for e in answer.document if e["period"] == DAY]
    assert no_beam == [5400.0, 5400.0, 7200.0, 7200.0]


def test_without_a_definition_each_facility_has_its_own(two: Kado) -> None:
    (entry,) = two("fleet", "figures", "-c", "a/kado.toml", "-p", DAY, "--format", "json").document
    assert entry["definition"] is None
    assert entry["availability"]["definition"] == "nanoterasu"


def test_what_fails_is_an_entry_and_the_others_are_computed(two: Kado) -> None:
    Path("b/data/journal.db").unlink()
    words = ("-c", "nowhere.toml", "-c", "a/kado.toml", "-c", "b/kado.toml", "-p", "2025-04-01", "-p", DAY)
    answer = two("fleet", "figures", *words, "--format", "json")
    assert answer.exit_code == 1
    assert answer.err == "kado: 5 of 6 calculations failed; the others are complete\n"
    assert [e["availability"] is None for e in answer.document] == [True, True, True, False, True, True]
    errors = [e["error"] for e in answer.document]
    assert all("no configuration at" in error for error in errors[:2])
    assert "has no schedule for 2025-04-01" in errors[2]
    assert errors[3] is None
    assert all("has no schedule" in error for error in errors[4:])


def test_a_defect_in_one_piece_does_not_take_the_others_with_it(two: Kado, monkeypatch: pytest.MonkeyPatch) -> None:
    good = fleet.load_availability

    def bad_on_the_day(configuration: object, period: str, *args: object, **kwargs: object) -> object:
        if period == DAY:
            raise ZeroDivisionError("the day")
        return good(configuration, period, *args, **kwargs)  # type: ignore[arg-type]  # arguments of any kind

    monkeypatch.setattr(fleet, "load_availability", bad_on_the_day)
    answer = two("fleet", "figures", "-c", "a/kado.toml", "-p", DAY, "-p", "2025-05-12", "--format", "json")
    assert answer.exit_code == 1
    first, second = answer.document
    assert first["error"].startswith("a defect in kado: ZeroDivisionError: the day; 'kado availability --debug'")
    assert second["availability"]["period"]["id"] == "2025-05-12"


def test_several_processes_print_the_same_bytes(two: Kado) -> None:
    words = ("fleet", "figures", *PIECES, "-c", "nowhere.toml", *KNOWN_ON, "--format", "json")
    alone = two(*words)
    assert alone.exit_code == 1
    assert two(*words, "--workers", "2") == alone


def test_a_pattern_finds_configurations_in_order_of_name(two: Kado) -> None:
    answer = two("fleet", "figures", "-c", "*/kado.toml", "-p", DAY, "--format", "json")
    assert [e["config"] for e in answer.document] == ["a/kado.toml", "b/kado.toml"]
    nothing = two("fleet", "figures", "-c", "rings/*/kado.toml", "-p", DAY)
    assert (nothing.exit_code, nothing.out) == (2, "")
    assert "no configuration matches rings/*/kado.toml" in nothing.err


def test_people_read_a_line_each_marked_simulated_and_no_wider_than_80_columns(two: Kado) -> None:
    out = two("fleet", "figures", "-c", "*/kado.toml", "-p", DAY, "-p", "2025-04-01").out
    assert "SIMULATED" in out
    lines = [line.split() for line in out.splitlines() if line.startswith("ring ")]
    # 1.5 h of 24 h less 1,160 s that are not known; and 2 h.
    assert [line[:5] for line in lines] == [
        ["ring", DAY, "*", "nanoterasu", "93.7"],
        ["ring", DAY, "*", "nanoterasu", "91.6"],
    ]
    assert re.findall(r"^(\w/kado.toml) .*failed", out, re.MULTILINE) == ["a/kado.toml", "b/kado.toml"]
    assert re.findall(r"^(\w/kado.toml 2025-04-01): .*has no schedule", out, re.MULTILINE)
    table = out.partition("\n\n")[0]
    wide = [line for line in table.splitlines() if len(line.rstrip()) + len(re.findall("[\u3000-\u9fff]", line)) > 80]
    assert wide == []


def test_an_environment_that_would_make_all_facilities_the_same_one_is_refused(two: Kado) -> None:
    answer = two("fleet", "figures", "-c", "*/kado.toml", "-p", DAY, KADO_DATA_DIR="data")
    assert answer.exit_code == 2
    assert "KADO_DATA_DIR of the environment would override each of 2 configurations: unset it" in answer.err


def test_workers_and_a_cluster_contradict_each_other(two: Kado) -> None:
    answer = two("fleet", "figures", "-c", "a/kado.toml", "-p", DAY, "-w", "2", "--cluster", "tcp://127.0.0.1:1")
    assert answer.exit_code == 2
    assert "--workers and --cluster exclude each other" in answer.err


def test_a_missing_extra_is_named(two: Kado, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = two("fleet", "figures", "-c", "a/kado.toml", "-p", DAY, "--cluster", "tcp://127.0.0.1:1")
    assert (answer.exit_code, answer.out) == (2, "")
    assert "pip install 'kado[cluster]'" in answer.err


def test_a_scheduler_that_does_not_answer_is_named(two: Kado, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "CONNECT_TIMEOUT_S", 0.5)
    address = f"tcp://127.0.0.1:{free_port()}"
    answer = two("fleet", "figures", "-c", "a/kado.toml", "-p", DAY, "--cluster", address)
    assert (answer.exit_code, answer.out) == (3, "")
    assert f"no Dask scheduler answers at {address}" in answer.err


@pytest.mark.parametrize("workers", [1, 3])
def test_a_process_that_is_killed_costs_its_own_piece_alone(workers: int) -> None:
    with processes(workers) as run:
        answers = list(run(square, [1, 2, -3, 4, 5, -6, 7]))
    assert [a for a in answers if not isinstance(a, Lost)] == [1, 4, 16, 25, 49]
    lost = [i for i, answer in enumerate(answers) if isinstance(answer, Lost)]
    assert lost == [2, 5]


def test_a_worker_with_another_version_refuses(two: Kado) -> None:
    (work,) = fleet.pieces(["a/kado.toml"], [DAY])
    outcome = fleet.compute(replace(work, kado="0.0.7"))
    assert outcome.availability is None
    assert f"has kado {work.kado}, and 0.0.7 asks: install the same version on both" in outcome.error


def test_a_lost_piece_is_a_failed_one(two: Kado) -> None:
    (work,) = fleet.pieces(["a/kado.toml"], [DAY])
    (outcome,) = fleet.compute_all([work], lambda _function, _work: [Lost("its process ended")])
    assert (outcome.availability, outcome.error) == (None, "its process ended")


def test_nothing_to_do_is_done_at_once() -> None:
    for executor in (this_process(), processes(2)):
        with executor as run:
            assert list(run(square, [])) == []
