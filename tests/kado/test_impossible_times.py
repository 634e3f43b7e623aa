"""A stamp from before the facility existed takes no part in figures, and is never the newest."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command_line import Kado
from facility.time import NS_PER_S, parse_time
from kado.output import age

PROFILE = """
id = "eu"
name = { en = "EU ring", ja = "EU ring" }
time_zone = "Europe/Berlin"
fiscal_year_starts_in = 1
delivery_signal = "stored_current"
mode_signal = "machine_mode"
definition = "nanoterasu"
operation_started = 2024-01-01

[[signal]]
id = "stored_current"
type = "number"
unit = "mA"
period_s = 60.0
stale_after_s = 3600.0
label = { en = "Stored current", ja = "Stored current" }

[[signal]]
id = "machine_mode"
type = "state"
words = ["user", "study", "tuning", "maintenance", "shutdown", "refill"]
label = { en = "Machine mode", ja = "Machine mode" }

[[limits]]
from = 2024-01-01
mode = "user"
nominal = 199.0
recovered = 195.0
tolerance = 195.0
minimum = 10.0
"""
START = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def imported(kado: Kado) -> None:
    """An hour without beam at the start of user time, at a sample a minute."""
    Path("eu.toml").write_text(PROFILE, encoding="utf-8")
    Path("kado.toml").write_text('facility = "eu.toml"\n', encoding="utf-8")
    Path("plan.csv").write_text(
        "start,end,category,published_at\n2026-04-01T00:00:00Z,2026-04-01T02:30:00Z,user,2026-03-01T00:00:00Z\n"
    )
    lines = [
        f"{START + timedelta(minutes=i):%Y-%m-%dT%H:%M:%SZ},stored_current,{0.0 if i < 60 else 200.0}"
        for i in range(120)
    ]
    Path("real.csv").write_text("\n".join(["time,signal,value", *lines]) + "\n")
    assert kado("schedule", "import", "plan.csv").exit_code == 0
    assert kado("import", "real.csv").exit_code == 0


@pytest.mark.parametrize(
    "stamp", ["1990-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2023-12-31T00:00:00Z", "2199-01-01T00:00:00Z"]
)
def test_a_stamp_that_cannot_be_true_changes_nothing_that_is_said_of_a_day(kado: Kado, stamp: str) -> None:
    def said() -> tuple[list[object], str]:
        words = ("availability", "events", "gaps")
        documents = [kado(word, "--period", "2026-04-01", "--format", "json").document for word in words]
        for document in documents:
            document.pop("as_known_on", None)
        lines = kado("availability", "--period", "2026-04-01").out.splitlines()
        return documents, "\n".join(line for line in lines if not line.startswith("As known on"))

    before = said()
    Path("undefined.csv").write_text(f"time,signal,value\n{stamp},stored_current,0\n")
    imported = kado("import", "undefined.csv")
    assert imported.exit_code == 0
    assert "of doubtful time        1  in the future, or before operation began: kept as uncertain" in imported.out
    after = said()
    assert after == before
    assert kado("events", "--period", "2026-04-01", "--format", "json").document["events"][0]["duration_s"] == 3_600


@pytest.mark.parametrize("stamp", ["1990-01-01T00:00:00Z", "2199-01-01T00:00:00Z"])
def test_a_store_of_stamps_that_cannot_be_true_knows_of_no_time(kado: Kado, stamp: str) -> None:
    Path("kado.toml").write_text('facility = "eu.toml"\ndata_dir = "other"\n', encoding="utf-8")
    assert kado("schedule", "import", "plan.csv").exit_code == 0
    Path("undefined.csv").write_text(f"time,signal,value\n{stamp},stored_current,0\n")
    assert kado("import", "undefined.csv").exit_code == 0
    answer = kado("availability", "--period", "2026-04-01")
    assert answer.exit_code == 2
    assert "no samples of stored_current at all" in answer.err


def test_a_stamp_in_the_future_is_not_the_newest_value_in_the_status(kado: Kado) -> None:
    Path("future.csv").write_text("time,signal,value\n2199-01-01T00:00:00Z,stored_current,199.8\n")
    assert kado("import", "future.csv").exit_code == 0
    assert kado("status", "--format", "json").document["signals"]["stored_current"]["value"] == 200.0


def test_an_age_is_never_cut_at_zero() -> None:
    now_ns = parse_time("2026-04-01T00:00:00Z")
    assert age(now_ns - 90 * NS_PER_S, now_ns) == "90 s"
    # The clocks of two machines may differ by so much.
    assert age(now_ns + NS_PER_S, now_ns) == "0 s"
    assert age(now_ns + 3 * 3_600 * NS_PER_S, now_ns) == "3 h ahead of now"
