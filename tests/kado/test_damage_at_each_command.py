"""A damaged database of kado's own is a message at every command: which file, what is wrong with it, what to do."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from command_line import Answer, Kado, run
from kado.cli.command_list import COMMANDS, Group
from seeded_ring import DAY, seed, time_of_day

DAMAGES: Final = ("truncated", "zeroed", "overwritten")
PERIOD: Final = ("--period", DAY)
SPAN: Final = ("--from", time_of_day("02:00"), "--to", time_of_day("02:30"))
SIGNED: Final = ("--author", "Sato", "--reason", "seen in the logbook")
STATED: Final = (*SPAN, *SIGNED, "--yes")

BOTH: Final = {
    "check": [], "run": [], "status": [], "watch": ["--seconds", "30"], "availability": PERIOD, "beamlines": PERIOD,
    "events": PERIOD, "gaps": PERIOD, "explain": PERIOD, "report make": [DAY, "--format", "json"],
    "report issue": [DAY, "--author", "Mori"], "report verify": ["issued.json"], "reliability": PERIOD,
    "definitions": ["--compare", "sls", "aps", *PERIOD], "correct awaiting": PERIOD,
    "incident pareto": PERIOD, "target": [], "shift show": ["--at", time_of_day("09:00")],
    "shift sign": ["--author", "Sato", "--at", time_of_day("09:00")], "store verify": [], "store backup": ["backups"],
    "fleet figures": ["--config", "kado.toml", *PERIOD], "alarms report": [DAY],
    **{f"correct {word}": STATED for word in ("up", "down", "unknown", "sensor-fault", "sensor-sound")},
    **{f"correct {word}": STATED for word in ("one-event", "separate")},
    "correct excluded": [*STATED, "--category", "grid"], "correct reduced": [*STATED, "--limit", "150"],
}  # fmt: skip
"""Commands that read samples and the record."""
TELEMETRY: Final = {
    "import": ["samples.csv", "--again"], "ledger": [], "dead-letters list": [], "dead-letters show": ["1"],
    "dead-letters replay": [], "recorded-gaps": [], "store status": [], "store seal": [], "store compact": [],
    "store export": ["current", "--out", "out"], "store import": ["samples.csv"], "alarms replay": SPAN,
    "alarms tune": ["lost", *PERIOD], "alarms": [],
}  # fmt: skip
"""Commands that read samples alone."""
JOURNAL: Final = {
    "schedule import": ["schedule.csv"], "schedule show": [],
    "schedule diff": ["--since", "2025-01-01T00:00:00Z"], "report list": [], "correct list": [],
    "correct confirm": ["1", "--author", "Kato"], "correct withdraw": ["1", *SIGNED],
    "incident add": ["--system", "rf", "--component", "k", "--title", "arc", "--author", "Sato", *SPAN],
    "incident withdraw": ["1", *SIGNED], "incident list": [], "shift list": [],
    "shift remark": ["a word", "--author", "Sato"], "shift countersign": ["1", "--author", "Kato"],
    "user add": ["sato", "--role", "operator", "--password-file", "password"], "user list": [],
    "user passwd": ["sato", "--password-file", "password"], "user role": ["sato", "--role", "manager"],
    "user remove": ["sato"], "alarms history": [], "alarms ack": ["lost", "--author", "Sato"],
    "alarms unack": ["lost", *SIGNED], "alarms shelve": ["lost", "--for", "1h", *SIGNED],
    "alarms unshelve": ["lost", "--author", "Sato"], "alarms out": ["lost", *SIGNED],
    "alarms in": ["lost", *SIGNED],
}  # fmt: skip
"""Commands that read the record alone."""
NEITHER: Final = {
    "init", "schema", "demo", "dashboards export", "alarms rules", "alarms test", "alarms reload", "simulate inject",
    "source probe", "verify",  # Settings, servers, a simulator or its answer key.
    "backfill", "publish", "store init", "store copy", "store downsample", "store restore",  # Another store as well.
    "simulate",  # Writes like `import`, to a facility that can be simulated.
}  # fmt: skip
"""Commands that open neither here."""

AIM: Final = """simulated = true
target = 200.0
stable_at_pct = 90.0
operation_started = 2025-05-01"""
RULES: Final = """[[alarm]]
id = "lost"
title = { en = "Beam lost", ja = "ビーム停止" }
priority = "critical"
class = "beam"
cause = { en = "a trip", ja = "トリップ" }
consequence = { en = "no light", ja = "光がない" }
action = { en = "refill", ja = "再入射" }
respond_within_s = 300.0
when = { kind = "limit", signal = "current", below = 10.0, ends_above = 195.0 }
on_delay_s = 3.0
off_delay_s = 10.0
"""


def names() -> Iterator[str]:
    for name, entry in COMMANDS.items():
        if not isinstance(entry, Group):
            yield name
            continue
        yield from [name] if entry.place is not None else []
        yield from (f"{name} {below}" for below in entry.commands)


def test_every_command_is_tried_or_opens_neither_file() -> None:
    assert sorted(names()) == sorted([*BOTH, *TELEMETRY, *JOURNAL, *NEITHER])


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ring with its day, an alarm rule and a report; all of it in the files themselves, nothing in a log."""
    folder = tmp_path_factory.mktemp("whole")
    seed(folder)
    with (folder / "kado.toml").open("a", encoding="utf-8") as file:
        file.write('[alarms]\nrules = ["rules.toml"]\n')
    profile = folder / "ring.toml"
    profile.write_text(profile.read_text(encoding="utf-8").replace("simulated = true", AIM, 1), encoding="utf-8")
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    (folder / "password").write_text("correct horse battery staple\n", encoding="utf-8")
    (folder / "password").chmod(0o600)
    config = ("--config", str(folder / "kado.toml"))
    made = run("report", "make", DAY, "--format", "json", "--out", str(folder / "issued.json"), *config)
    assert made.exit_code == 0, made.err
    for name in ("telemetry.db", "journal.db"):
        with closing(sqlite3.connect(folder / "data" / name)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


@pytest.fixture
def whole(kado: Kado, _whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(_whole, tmp_path, dirs_exist_ok=True)
    return tmp_path / "data"


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    changed = {
        "truncated": content[: len(content) // 2],
        "zeroed": bytes(len(content)),
        "overwritten": content[:4096] + b"\xa5" * (len(content) - 4096),
    }
    path.write_bytes(changed[how])


def fault(answer: Answer, file: str) -> str | None:
    """Return what is missing in the answer to a damaged file; None if it is as it should be."""
    said = " ".join((answer.out + answer.err).split())
    if answer.exit_code == 0:
        return f"ends with 0: {said[-200:]}"
    if "defect" in said or "Traceback" in said:
        return f"calls it a defect: {said[-300:]}"
    missing = [text for text in (file, "damaged", "restore") if text not in said]
    return f"does not say {missing}: {said[-300:]}" if missing else None


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("file", ["telemetry.db", "journal.db"])
def test_a_damaged_file_is_named_by_every_command_with_the_remedy(whole: Path, kado: Kado, file: str, how: str) -> None:
    damage(whole / file, how)
    damaged = (whole / file).read_bytes()
    faults: list[str] = []
    for name, words in (BOTH | (TELEMETRY if file == "telemetry.db" else JOURNAL)).items():
        found = fault(kado(*name.split(), *words), file)
        faults += [f"{name}: {found}"] if found else []
        assert (whole / file).read_bytes() == damaged, f"{name} writes to it"
    assert "\n".join(faults) == ""


@pytest.mark.parametrize("how", ["emptied", "removed"])
@pytest.mark.parametrize("words", ["check", "status", "store verify"])
def test_records_that_the_journal_lacks_are_a_problem(whole: Path, kado: Kado, how: str, words: str) -> None:
    path = whole / "journal.db"
    path.unlink()
    if how == "emptied":
        path.touch()
    answer = kado(*words.split())
    said = " ".join(answer.out.split())
    assert answer.exit_code == 1
    assert "journal.db lacks records that it held" in said
    assert "restore it from a backup" in said
