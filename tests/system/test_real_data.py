"""A real ring's record, from its file to the figure, by the commands that a user types."""

import csv
import json
import subprocess
import sys
from pathlib import Path

PROFILE = """\
id = "petra3"
name = { en = "PETRA III", ja = "PETRA III" }
time_zone = "Europe/Berlin"
delivery_signal = "stored_current"

[[signal]]
id = "stored_current"
unit = "mA"
period_s = 2.0

[[limits]]
from = 2017-01-01
nominal = 100.0
tolerance = 97.5
minimum = 5.0
"""


def kado(folder: Path, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("kado")), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def test_petra3_shows_no_outage_and_its_gaps_as_unknown_time(tmp_path: Path, petra3_csv: Path) -> None:
    with petra3_csv.open() as file:
        times = [row["time_utc"] for row in csv.DictReader(file)]
    first, last = times[0], times[-1]
    (tmp_path / "petra3.toml").write_text(PROFILE)
    (tmp_path / "kado.toml").write_text('facility = "petra3.toml"\ndata_dir = "data"\n[store]\nkind = "embedded"\n')
    rows = f"start,end,category,published_at\n{first},{last},user,2017-07-01T00:00:00Z\n"
    (tmp_path / "schedule.csv").write_text(rows)
    kado(tmp_path, "schedule", "import", "schedule.csv")
    columns = ["--signal", "stored_current", "--time-column", "time_utc", "--value-column", "beam_current_mA"]
    summary = json.loads(kado(tmp_path, "import", str(petra3_csv), *columns, "--unit", "mA", "--format", "json"))
    assert (summary["read"], summary["stored"]) == (5912, 5912)
    period = f"{first}/{last}"
    figure = json.loads(kado(tmp_path, "availability", "--period", period, "--format", "json"))
    assert figure["counts"]["failures"] == 0
    assert figure["events"] == []
    assert figure["accounts_s"]["unknown"] == 23_817.067
    assert round(figure["figures"]["coverage_pct"], 1) == 42.2
    assert figure["figures"]["availability_pct"] == 100.0
    assert figure["provisional"] is True
    assert figure["simulated"] is False
    kado(tmp_path, "ledger", "--verify")
