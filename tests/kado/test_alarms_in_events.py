"""Events of an availability report name the alarms that were raised in them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from command_line import Kado
from facility.alarms import AlarmState, Cause, Priority, Transition
from facility.time import NS_PER_S, parse_time
from storage.journal.alarms import AlarmJournal, transition_row

PERIOD = "2026-11-11T00:00:00+09:00/2026-11-14T00:00:00+09:00"

RAISED = Transition(
    time_ns=0,
    alarm="beam_lost",
    from_state=AlarmState.NORMAL,
    to_state=AlarmState.UNACKED,
    cause=Cause.RAISED,
    seq=1,
    occurrence=1,
    priority=Priority.CRITICAL,
    class_="beam",
    annunciated=True,
)


@pytest.fixture
def event(simulated: Kado) -> dict[str, Any]:
    """Turn alarms on, and return the loss of beam of the three days."""
    with Path("kado.toml").open("a") as file:
        file.write("\n[alarms]\n")
    (found,) = events(simulated)
    return found


def events(kado: Kado) -> list[dict[str, Any]]:
    return kado("events", "--period", PERIOD, "--format", "json").document["events"]


def record(*rows: Transition) -> None:
    with AlarmJournal.open(Path("data/journal.db"), "nanoterasu_sim") as journal:
        journal.add_rows(("transition", transition_row(row, "f")) for row in rows)


def test_an_event_without_an_alarm_names_none(simulated: Kado, event: dict[str, Any]) -> None:
    assert event["alarms"] == []
    assert "alarm" not in simulated("events", "--period", PERIOD).out


def test_an_event_names_each_alarm_raised_in_it_once_in_the_order_of_the_first_raise(
    simulated: Kado, event: dict[str, Any]
) -> None:
    start, end = parse_time(event["start"]), parse_time(event["end"])
    low = replace(RAISED, alarm="low_beam", priority=Priority.HIGH)
    record(
        replace(RAISED, time_ns=start + 3 * NS_PER_S),
        replace(RAISED, time_ns=end - 1, seq=2),
        replace(low, time_ns=start),
        # Outside by a nanosecond, at either end; and what is no raise.
        replace(RAISED, alarm="vacuum_high", time_ns=start - 1),
        replace(RAISED, alarm="orbit_out", time_ns=end),
        replace(RAISED, alarm="data_stale", time_ns=start + 5, cause=Cause.REALARMED),
        replace(RAISED, alarm="gone_since", time_ns=start + NS_PER_S, priority=Priority.LOW),
    )
    (found,) = events(simulated)
    assert [(a["id"], a["priority"], a["count"]) for a in found["alarms"]] == [
        ("low_beam", "high", 1),
        ("gone_since", "low", 1),
        ("beam_lost", "critical", 2),
    ]
    assert parse_time(found["alarms"][2]["first"]) == start + 3 * NS_PER_S
    titles = [a["title"]["en"] for a in found["alarms"]]
    assert titles == ["Current below tolerance", "gone_since", "Beam lost in user time"]
    availability = simulated("availability", "--period", PERIOD, "--format", "json").document
    assert availability["events"] == [found]


@pytest.mark.parametrize("command", ["events", "availability"])
def test_the_table_of_events_is_followed_by_the_alarms(simulated: Kado, event: dict[str, Any], command: str) -> None:
    start = parse_time(event["start"])
    record(replace(RAISED, time_ns=start + 3 * NS_PER_S), replace(RAISED, time_ns=start + 60 * NS_PER_S, seq=2))
    lines = simulated(command, "--period", PERIOD).out.splitlines()
    (heading,) = [i for i, line in enumerate(lines) if "alarm raised in it" in line]
    assert lines[heading + 1].split("  ")[0].startswith(event["start"][:10])
    assert "Beam lost in user time" in lines[heading + 1]
    assert lines[heading + 1].rstrip().endswith("2")
    japanese = simulated(command, "--period", PERIOD, "--lang", "ja").out
    assert "利用運転中のビーム停止" in japanese
    assert "最高" in japanese


def test_rules_that_cannot_be_read_leave_the_ids(simulated: Kado, event: dict[str, Any]) -> None:
    record(replace(RAISED, time_ns=parse_time(event["start"])))
    text = Path("kado.toml").read_text()
    Path("kado.toml").write_text(text + 'rules = ["nowhere.toml"]\n')
    (found,) = events(simulated)
    assert found["alarms"][0]["title"] == {"en": "beam_lost", "ja": "beam_lost"}
