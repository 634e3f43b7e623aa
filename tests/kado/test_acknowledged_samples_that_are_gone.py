"""Acknowledged samples that a disk lost are a term of the ledger and an error, wherever the ledger is shown."""

import shutil
from pathlib import Path

import pytest

from command_line import Kado
from seeded_ring import time_of_day

TELEMETRY = Path("data/telemetry.db")
LOST = "50 acknowledged samples are lost"


def import_samples(kado: Kado, clock: str, count: int) -> int:
    lines = [f"{time_of_day(clock)[:-8]}{i:02}+09:00,current,200" for i in range(count)]
    Path("more.csv").write_text("\n".join(["time,signal,value", *lines]) + "\n", encoding="utf-8")
    return kado("import", "more.csv").exit_code


@pytest.fixture
def robbed(seeded: Kado) -> Kado:
    """An older telemetry.db in place of the newest, and a further import on top of it."""
    shutil.copy(TELEMETRY, "older.db")
    assert import_samples(seeded, "05:05", 50) == 0
    for ending in ("-wal", "-shm"):
        TELEMETRY.with_name(TELEMETRY.name + ending).unlink(missing_ok=True)
    shutil.copy("older.db", TELEMETRY)
    assert import_samples(seeded, "05:10", 30) == 0
    return seeded


def test_ledger_and_status_count_them_and_end_with_one(robbed: Kado) -> None:
    for words in (["ledger"], ["ledger", "--verify"], ["status"]):
        answer = robbed(*words)
        assert answer.exit_code == 1, words
        assert LOST in " ".join((answer.out + answer.err).split())
    assert "+ 50 lost" in " ".join(robbed("status").out.split())


def test_the_equation_holds_with_them_in_the_documents(robbed: Kado) -> None:
    ledger = robbed("ledger", "--verify", "--format", "json").document
    for row in ledger["sources"]:
        parts = sum(row[name] for name in ("stored", "waiting", "rejected", "dropped", "lost"))
        assert row["received"] == parts
    assert sum(row["lost"] for row in ledger["sources"]) == 50
    assert LOST in ledger["problems"][0]
    status = robbed("status", "--format", "json").document
    assert status["ledger"]["lost"] == 50
    assert LOST in status["problems"][0]
