"""kill -9 with alarms in every state: no row lost, none doubled, what people did is there."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import alarming_until_killed
from analytics.alarms.rows import from_rows
from command_line import Kado
from facility.alarms import Action, ActionKind, AlarmState
from kado.config import load_configuration
from kado.journal import open_alarm_journal
from kado.queries.alarm_rules import series_table
from kado.queries.alarms import load_history
from storage.telemetry_db.alarms import read_alarm_state

ROOT = Path(__file__).parents[2]


def run_and_kill(folder: Path, seed: int, chance: random.Random) -> list[list[Any]]:
    """Run until a random instant, act meanwhile, kill, and return the rows that were told."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])}
    command = [sys.executable, str(alarming_until_killed.__file__), str(folder), str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    told: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: told.extend(process.stdout or ()))
    reader.start()
    until = time.monotonic() + 120
    while not told and time.monotonic() < until:
        time.sleep(0.02)
    until = time.monotonic() + chance.uniform(0.0, 0.6)
    with open_alarm_journal(load_configuration(folder / "kado.toml")) as journal:
        acts = 0
        while time.monotonic() < until or acts < 8:
            journal.add_actions([an_action(chance) for _ in range(4)])
            acts += 1
            time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.join()
    process.stdout.close()
    return [json.loads(line) for line in told if line.endswith("\n")]


def an_action(chance: random.Random) -> Action:
    """Make something that a person does; half of the shelves outlast several kills."""
    alarm = f"a{chance.randrange(alarming_until_killed.ALARMS)}"
    kind = chance.choice([ActionKind.ACK, ActionKind.ACK, ActionKind.OUT, ActionKind.IN, ActionKind.SHELVE])
    until_ns = time.time_ns() + chance.choice([1, 120]) * 10**9
    return Action(alarm, kind, "mori", 0, "test", until_ns=until_ns)


def check_state(told: list[list[Any]]) -> set[str]:
    """Compare what a killed service left on the disk with the last row that it told of each alarm.

    Returns the states that were shown.
    """
    configuration = load_configuration()
    rows, _ = read_alarm_state(configuration.data_dir, configuration.profile.id)
    engine = from_rows(rows, series_table(configuration))
    last = {row[0]: row for row in told}
    for alarm, (_, seq, _, _, state, by) in last.items():
        record = engine.record(alarm)
        assert record.seq >= seq, f"{alarm}: the state is older than what was told"
        if record.seq > seq:
            continue  # one more commit, of which nobody was told
        assert record.shown.value == state or {record.shown.value, state} <= {"normal", "unknown", "suppressed"}
        if state == "acked":
            assert record.acked_by == "mori"
            assert record.acked_ns is not None
        if state == "shelved":
            assert (record.shelf_by, record.shelf_reason, by) == ("mori", "test", "mori")
            assert record.shelf_until_ns is not None
        if state == "out_of_service":
            assert (record.out_by, record.out_reason) == ("mori", "test")
    return {record.shown.value for record in engine.records}


def check(kado: Kado, folder: Path, kills: int) -> None:
    assert kado("init").exit_code == 0
    (folder / "data").mkdir()
    with Path("kado.toml").open("a") as file:
        file.write('\n[alarms]\nrules = ["alarms.toml"]\nsettle_s = 0.0\n')
    Path("alarms.toml").write_text(alarming_until_killed.rules())
    told: list[list[Any]] = []
    states: set[str] = set()
    for seed in range(kills):
        told += run_and_kill(folder, seed, random.Random(seed))
        states |= check_state(told)
    wanted = {state.value for state in AlarmState} if kills > 10 else {"acked", "shelved", "out_of_service"}
    assert wanted <= states, "not every state was there at a kill"
    configuration = load_configuration()
    rows = load_history(configuration, None, time.time_ns() + 10**9, None).rows
    kept = {(t.alarm, t.seq): [t.alarm, t.seq, t.time_ns, t.from_state.value, t.to_state.value, t.by] for t in rows}
    assert len(kept) == len(rows), "a row is doubled"
    assert len(told) > 10 * kills
    assert [row for row in told if kept.get((row[0], row[1])) != row] == [], "a row that was told is lost"
    quiet = ("normal", "unknown", "suppressed")
    for alarm in {t.alarm for t in rows}:
        mine = sorted((t for t in rows if t.alarm == alarm), key=lambda t: t.seq)
        assert [t.seq for t in mine] == list(range(1, len(mine) + 1))
        shown = "unknown"
        for t in mine:
            # Moves between quiet states are not journaled.
            assert t.from_state == shown or {t.from_state.value, shown} <= set(quiet)
            shown = t.to_state
    with open_alarm_journal(configuration) as journal:
        actions, refused = journal.actions(), journal.refusals(a.id for a in journal.actions())
    done = {t.action_id for t in rows if t.action_id is not None}
    assert done & set(refused) == set()
    assert done <= {a.id for a in actions}


def test_nothing_is_lost_or_doubled_over_a_few_kills(kado: Kado, tmp_path: Path) -> None:
    check(kado, tmp_path, 3)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_doubled_over_thirty_kills(kado: Kado, tmp_path: Path) -> None:
    check(kado, tmp_path, 30)
