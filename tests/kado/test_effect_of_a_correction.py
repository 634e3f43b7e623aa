"""What a correction will change, said before it is written: the same as what it changes, however long it is."""

from pathlib import Path

import pytest

from command_line import Kado
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, format_time, parse_time
from seeded_ring import CONFIGURATION, PROFILE

START_NS = parse_time("2025-04-20T00:00:00+09:00")
DAYS = 24
OUTAGES = (3, 8, 13, 19)
"""Days without beam from noon on, for two hours."""


@pytest.fixture(scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weeks")
    (folder / "ring.toml").write_text(PROFILE.replace("period_s = 10.0", "period_s = 300.0"), encoding="utf-8")
    (folder / "kado.toml").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "plan.csv").write_text(
        f"start,end,category,published_at\n{day(0)},{day(DAYS)},user,2025-03-01T00:00:00+09:00\n", encoding="utf-8"
    )
    rows = ["time,signal,value", f"{day(0)},shutters,permitted"]
    for ns in range(START_NS, START_NS + DAYS * NS_PER_DAY, 300 * NS_PER_S):
        number, of_day = divmod(ns - START_NS, NS_PER_DAY)
        without = number in OUTAGES and 12 * NS_PER_H <= of_day < 14 * NS_PER_H
        rows.append(f"{format_time(ns)},current,{0.0 if without else 200.0}")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def weeks(kado: Kado, _folder: Path) -> Kado:
    """Run a command on 24 days of a ring."""
    for name in ("ring.toml", "kado.toml", "plan.csv", "samples.csv"):
        Path(name).write_bytes((_folder / name).read_bytes())
    for words in (("schedule", "import", "plan.csv"), ("import", "samples.csv")):
        assert kado(*words).exit_code == 0
    return kado


def day(number: int) -> str:
    return format_time(START_NS + number * NS_PER_DAY)


def counted(kado: Kado) -> dict[str, float]:
    document = kado("availability", "-p", f"{day(0)}/{day(DAYS)}", "--format", "json").document
    accounts = document["accounts_s"]
    return {
        "failures": document["counts"]["failures"],
        **{name: accounts[name] for name in ("delivered", "no_beam", "unknown")},
    }


@pytest.mark.parametrize("assertion", ["down", "up", "unknown"])
def test_what_is_said_before_is_what_changes(weeks: Kado, assertion: str) -> None:
    before = counted(weeks)
    assert before["failures"] == 4
    words = ("correct", assertion, "--from", day(2), "--to", day(20), "--author", "Sato", "--reason", "log", "--yes")
    changes = weeks(*words, "--format", "json").document["preview"]["changes"]
    after = counted(weeks)
    assert {name: changes[name] for name in ("failures",)} == {"failures": after["failures"] - before["failures"]}
    seconds = {name: after[name] - before[name] for name in ("delivered", "no_beam", "unknown")}
    assert {name: changes[f"{name}_s"] for name in seconds} == seconds


def test_of_a_statement_of_the_beam_longer_than_three_months_the_effect_is_not_computed(weeks: Kado) -> None:
    words = ("--from", day(2), "--to", day(95), "--author", "Sato", "--reason", "log")
    refused = weeks("correct", "down", *words)
    assert refused.exit_code == 2
    assert "The effect cannot be computed: 2025-04-22T00:00:00+09:00" in " ".join(refused.out.split())
    assert "is longer than 92 days" in " ".join(refused.out.split())
    assert weeks("correct", "down", *words, "--yes").exit_code == 0
    assert "is longer than 92 days" not in weeks("correct", "reduced", "--limit", "100", *words).out
