"""Every table reads at 80 columns, in both languages: nothing is cut, and no word or number is broken."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.measure import Measurement
from rich.table import Table

from collector.arrival import Arrival
from command_line import Kado
from facility.source import Rejection
from facility.time import parse_time, system_clock
from kado import output
from kado.cli.command_list import COMMANDS, Group
from kado.config import load_configuration
from kado.writers import make_landing
from seeded_ring import DAY

WIDTH = 80

SHOWN = [
    ["check"], ["status"], ["availability", "-p", DAY], ["availability", "-p", "2025-05", "--each", "day"],
    ["availability", "-p", DAY, "-d", "all"], ["availability", "-p", DAY, "-d", "cebaf"], ["beamlines", "-p", DAY],
    ["events", "-p", DAY], ["events", "-p", "2025-05"], ["gaps", "-p", DAY], ["explain", "-p", DAY],
    ["explain", "--at", f"{DAY}T02:30:00+09:00"], ["explain", "--at", f"{DAY}T05:10:00+09:00"],
    ["reliability", "-p", DAY], ["reliability", "-p", "2025-05"], ["report", "list"],
    ["ledger"], ["ledger", "--verify"], ["dead-letters", "list"], ["recorded-gaps"], ["definitions"],
    ["definitions", "sls"], ["definitions", "--compare", "sls", "aps", "-p", DAY], ["schedule", "show"],
    ["schedule", "diff", "--since", "2025-01-01T00:00:00Z"], ["correct", "list"],
    ["correct", "awaiting", "-p", DAY], ["shift", "list"], ["incident", "list"],
    ["incident", "pareto", "-p", DAY], ["store", "status"],
    ["store", "verify"], ["fleet", "figures", "--config", "kado.toml", "-p", DAY], ["user", "list"],
    ["target"], ["dead-letters", "show", "1"], ["shift", "show", "--at", f"{DAY}T09:00:00+09:00"],
    ["alarms"], ["alarms", "history"], ["alarms", "rules"], ["alarms", "rules", "beam_lost"],
    ["alarms", "rules", "--check"], ["alarms", "replay", "--from", f"{DAY}T01:00:00+09:00", "--to",
     f"{DAY}T04:00:00+09:00"], ["alarms", "report", DAY], ["alarms", "report", DAY, "--unknown"],
    ["alarms", "tune", "beam_lost", "-p", DAY, "--limits", "5,10,100"],
]  # fmt: skip

WITHOUT_A_TABLE = {
    "init", "run", "watch", "schema", "demo", "publish", "import", "backfill", "verify",
    "alarms ack", "alarms unack", "alarms shelve", "alarms unshelve", "alarms out", "alarms in", "alarms reload",
    "correct up", "correct down", "correct unknown", "correct sensor-fault", "correct sensor-sound",
    "correct one-event", "correct separate", "correct excluded", "correct reduced", "correct withdraw",
    "correct confirm", "incident add", "incident withdraw", "report make", "report issue", "report verify",
    "simulate inject", "source probe", "schedule import", "store init", "store copy", "store downsample",
    "store seal", "store compact", "store export", "store import", "store backup", "store restore",
    "dead-letters replay", "dashboards export", "shift remark", "shift sign", "shift countersign", "alarms test",
}  # fmt: skip
"""Commands that need a server, a terminal or a file, or print lines of text alone."""


NOTHING_YET = [["alarms"]]
"""Commands that only a running service gives something to show."""


def names() -> Iterator[str]:
    for name, entry in COMMANDS.items():
        if isinstance(entry, Group):
            yield from (f"{name} {below}" for below in entry.commands)
        else:
            yield name


def test_every_command_that_prints_a_table_is_looked_at() -> None:
    looked_at = {" ".join(words[:n]) for words in SHOWN for n in (1, 2)}
    assert [name for name in names() if name not in looked_at | WITHOUT_A_TABLE and not name.startswith("user ")] == []


RULES = """[[alarm]]
id = "beam_lost"
title = { en = "Beam lost while users wait for it, at any of the beamlines", ja = "利用運転中のビーム停止" }
priority = "critical"
class = "beam"
cause = { en = "A trip of the radio frequency, a dip of the grid, or a dump on purpose", ja = "高周波のトリップ" }
consequence = { en = "Users have no light; downtime runs", ja = "利用者に光がない" }
action = { en = "Find the first fault in the list of interlocks, call the expert, refill", ja = "担当者に連絡する" }
respond_within_s = 300.0
when = { kind = "limit", signal = "current", below = 10.0, ends_above = 195.0 }
on_delay_s = 3.0
off_delay_s = 10.0
"""


def watched(folder: Path) -> None:
    """Give the ring an alarm that is active, a dead letter, and a target."""
    with (folder / "kado.toml").open("a", encoding="utf-8") as file:
        file.write('[alarms]\nrules = ["rules.toml"]\n')
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    profile = (folder / "ring.toml").read_text(encoding="utf-8")
    aim = "simulated = true\ntarget = 200.0\nstable_at_pct = 50.0\noperation_started = 2025-05-01\n"
    (folder / "ring.toml").write_text(profile.replace("simulated = true\n", aim), encoding="utf-8")
    configuration = load_configuration(folder / "kado.toml")
    letter = Rejection(
        "unknown_topic", "ring/dcct2/current", b'{"value": 1}' * 20,
        "no signal is mapped to this topic", parse_time(f"{DAY}T00:00:00Z"),
    )  # fmt: skip
    with make_landing(configuration, system_clock) as landing:
        landing.land_now(Arrival("plc", None, (letter,)))


@pytest.fixture
def narrow(seeded: Kado, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    watched(tmp_path)
    monkeypatch.setattr(output, "_NO_TERMINAL_WIDTH", WIDTH)
    signed = ("--author", "Sato", "--reason", "a dip of the grid, seen in the logbook of the shift")
    times = ("--from", f"{DAY}T02:00:00+09:00", "--to", f"{DAY}T02:30:00+09:00")
    assert seeded("correct", "excluded", "--yes", "--category", "grid", *times, *signed).exit_code == 0
    words = ("--system", "rf", "--component", "klystron 2", "--title", "arc in the window", "--author", "Sato")
    assert seeded("incident", "add", *words, *times).exit_code == 0
    return seeded


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_line_is_wider_and_nothing_is_cut_or_broken(
    narrow: Kado, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_wide: list[str] = []
    measured: list[str] = []
    now: list[str] = []
    original = Table.__rich_console__

    def looked_at(self: Table, console: object, options: object) -> object:
        least = Measurement.get(console, options.update(width=1_000, max_width=1_000), self).minimum  # type: ignore[arg-type, attr-defined]
        headings = [str(column.header) for column in self.columns]
        # Japanese may break between any two characters; English between words only. Labels stand beside paths of any
        # length, and have no headings.
        if language == "en" and any(headings) and least > WIDTH:
            measured.append(f"{' '.join(now)}: {headings}: {least} columns at least")
        return original(self, console, options)  # type: ignore[arg-type]

    monkeypatch.setattr(Table, "__rich_console__", looked_at)
    for words in SHOWN:
        now[:] = words
        answer = narrow(*words, "--lang", language)
        if answer.exit_code == 2 and words not in NOTHING_YET:
            too_wide.append(f"{words}: {answer.err}")
        for line in answer.out.splitlines():
            if cell_len(line) > WIDTH or re.search(r"\S…(\s|$)", line):
                too_wide.append(f"{' '.join(words)}: {cell_len(line)}: {line}")
    assert "\n".join([*too_wide, *measured]) == ""
