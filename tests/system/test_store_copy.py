"""``kado store copy`` between real stores: the same samples, whatever interrupts it, and never into a wrong place."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from command_line import Kado, run
from facility.batch import Batch, Samples
from facility.quality import Quality
from facility.time import NS_PER_DAY, NS_PER_S, system_clock
from kado.config import Configuration, load_configuration
from kado.service.copying import copy_store, pieces_to_copy
from servers import Bucket
from storage.columns import concat
from storage.data_dir import DirectoryLock
from storage.embedded.archive.swap import Step
from storage.embedded.store import EmbeddedStore
from storage.store import TelemetryStore

FACILITY = "nanoterasu_sim"
DAY = 20_600 * NS_PER_DAY  # 2026-05-27
ROOT = Path(__file__).parents[2]


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return run


def place(name: str, bucket: Bucket | None = None, facility: str = FACILITY) -> Path:
    """Write a configuration in a folder of its own; embedded, or with a bucket."""
    folder = Path(name)
    folder.mkdir()
    text = f'facility = "{facility}"\n'
    if bucket is not None:
        (folder / "token").write_text(bucket.token)
        text += f'[store]\nkind = "influxdb"\nurl = "{bucket.url}"\norg = "{bucket.org}"\n'
        text += f'bucket = "{bucket.name}"\ntoken_file = "token"\n'
    (folder / "kado.toml").write_text(text)
    return folder / "kado.toml"


def history(days: int = 40, step_s: int = 600) -> list[Batch]:
    """Return what is worth copying: numbers over a change of month, states, bad samples, reasons, late ones, a link."""
    n = days * 86_400 // step_s
    times = DAY + np.arange(n) * step_s * NS_PER_S
    quality = np.where(np.arange(n) % 50 == 7, Quality.BAD, Quality.GOOD)
    value = np.where(np.arange(n) % 100 == 7, np.nan, 200 + np.sin(np.arange(n)))
    reason = np.where(quality == Quality.BAD, 0, -1)
    current = Batch.build(
        FACILITY,
        ["stored_current"],
        np.zeros(n),
        times,
        value=value,
        quality=quality,
        reason=reason,
        arrival_ns=times + np.where(np.arange(n) % 200 == 3, 3600 * NS_PER_S, 0),
        words=["MAJOR, with a comma"],
    )
    words = [("user", "study", "利用 運転")[i % 3] for i in range(days)]
    mode = Batch.of_states(FACILITY, "machine_mode", DAY + np.arange(days) * NS_PER_DAY, words)
    return [current, mode, Batch.of_states(FACILITY, "ring_link", [DAY, DAY + NS_PER_S], ["up", "down"])]


def fill(configuration: Path, batches: list[Batch] | None = None) -> None:
    loaded = load_configuration(configuration)
    with closing(EmbeddedStore(loaded.data_dir, loaded.profile.id, read_only=False)) as store:
        for batch in history() if batches is None else batches:
            store.write(batch)


@contextmanager
def opened(configuration: Path) -> Iterator[TelemetryStore]:
    with closing(load_configuration(configuration).backend.open()) as store:
        yield store


def everything(configuration: Path) -> dict[str, list[tuple[object, ...]]]:
    with opened(configuration) as store:
        found = {one.signal: rows(store.read(one.signal, 0, 2**62)) for one in store.series()}
        for signal in list(found):
            late = [arrivals(batch) for batch in store.read_batches(signal, 0, 2**62)]
            found[f"arrivals of {signal}"] = [one for piece in late for one in piece]
        return found


def arrivals(batch: Batch) -> list[tuple[object, ...]]:
    late = np.abs(batch.arrival_ns - batch.time_ns) > 2 * NS_PER_S
    return list(zip(batch.time_ns[late].tolist(), batch.arrival_ns[late].tolist(), strict=True))


def rows(samples: Samples) -> list[tuple[object, ...]]:
    n = len(samples)
    reasons = [None] * n if samples.reason is None else [None if r < 0 else samples.words[r] for r in samples.reason]
    numbers = [None if np.isnan(v) else v for v in samples.value.tolist()]
    return list(
        zip(samples.time_ns.tolist(), numbers, samples.state_words(), samples.quality.tolist(), reasons, strict=True)
    )


def signals(document: dict[str, list[dict[str, object]]]) -> dict[object, dict[str, object]]:
    return {one["signal"]: one for one in document["signals"]}


def test_from_files_to_a_server_and_back_nothing_changes(kado: Kado, influx_bucket: Bucket) -> None:
    first, second, third = place("first"), place("second", influx_bucket), place("third")
    fill(first)
    there = kado("store", "copy", "--config", str(first), "--to", str(second), "--format", "json")
    assert there.exit_code == 0, there.err
    back = kado("store", "copy", "--config", str(third), "--from", str(second), "--format", "json")
    assert back.exit_code == 0, back.err
    assert everything(first) == everything(second) == everything(third)
    for document in (there.document, back.document):
        assert signals(document)["stored_current"] == {
            "signal": "stored_current",
            "read": 5760,
            "written": 5760,
            "replaced": 0,
            "there": 0,
            "in_source": 5760,
            "in_target": 5760,
            "expected": 5760,
        }
        assert document["problems"] == []
    for configuration in (second, third):
        verified = kado("ledger", "--verify", "--config", str(configuration))
        assert verified.exit_code == 0, verified.out


def test_days_that_are_over_are_sealed_in_the_other_store(kado: Kado) -> None:
    first, second = place("first"), place("second")
    fill(first)
    assert kado("store", "copy", "--config", str(first), "--to", str(second)).exit_code == 0
    assert everything(first) == everything(second)
    assert list(Path("second/data/archive").rglob("*.parquet"))
    assert not list(Path("first/data").glob("archive/**/*.parquet"))


def test_a_copy_that_is_repeated_writes_nothing(kado: Kado, influx_bucket: Bucket) -> None:
    first, second, third = place("first"), place("second", influx_bucket), place("third")
    fill(first)
    for target in (second, third):
        assert kado("store", "copy", "-c", str(first), "--to", str(target)).exit_code == 0
        again = signals(kado("store", "copy", "-c", str(first), "--to", str(target), "--format", "json").document)
        assert {(one["written"], one["there"] == one["read"]) for one in again.values()} == {(0, True)}


def test_what_came_since_is_copied_and_what_differs_is_replaced(kado: Kado, influx_bucket: Bucket) -> None:
    first, second, third = place("first"), place("second", influx_bucket), place("third")
    fill(first)
    targets = (second, third)
    for target in targets:
        assert kado("store", "copy", "-c", str(first), "--to", str(target)).exit_code == 0
    times = [DAY + 3 * NS_PER_DAY, DAY + 3 * NS_PER_DAY + 1, DAY + 100 * NS_PER_DAY]
    fill(first, [Batch.of_numbers(FACILITY, "stored_current", times, [1.0, 2.0, 3.0])])
    for target in targets:
        answer = kado("store", "copy", "-c", str(first), "--to", str(target), "--format", "json")
        assert answer.exit_code == 0, answer.err
        current = signals(answer.document)["stored_current"]
        assert (current["read"], current["written"], current["replaced"], current["there"]) == (5762, 3, 1, 5759)
        assert everything(target) == everything(first)
        assert kado("ledger", "--verify", "--config", str(target)).exit_code == 0


@pytest.mark.parametrize(
    ("kind", "step", "times"),
    [
        ("influxdb", "piece", 2),
        ("influxdb", "landed", 2),
        ("embedded", "piece", 2),
        ("embedded", Step.RENAMED, 3),
        ("embedded", Step.COMMITTED, 2),
    ],
)
def test_a_copy_that_was_killed_goes_on_and_nothing_is_lost_or_counted_twice(
    kado: Kado, influx_bucket: Bucket, kind: str, step: str, times: int
) -> None:
    first, second = place("first"), place("second", influx_bucket if kind == "influxdb" else None)
    fill(first)
    script = ROOT / "tests" / "support" / "copying_until_killed.py"
    command = [sys.executable, str(script), str(first), str(second), step, str(times)]
    killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert everything(second) != everything(first)
    answer = kado("store", "copy", "-c", str(first), "--to", str(second), "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert any(one["there"] for one in answer.document["signals"])
    assert everything(second) == everything(first)
    verified = kado("ledger", "--verify", "--config", str(second))
    assert verified.exit_code == 0, verified.out


def test_one_signal_alone_can_be_copied(kado: Kado) -> None:
    first, second = place("first"), place("second")
    fill(first)
    assert kado("store", "copy", "-c", str(first), "--to", str(second), "--signal", "machine_mode").exit_code == 0
    assert list(everything(second)) == ["machine_mode", "arrivals of machine_mode"]
    unknown = kado("store", "copy", "-c", str(first), "--to", str(second), "--signal", "nothing")
    assert unknown.exit_code == 2
    assert "has no signal 'nothing': it has machine_mode, ring_link, stored_current" in unknown.err


def test_only_what_the_bucket_keeps_is_copied_and_that_is_said(kado: Kado, influx_bucket: Bucket) -> None:
    bucket = influx_bucket.server.create_bucket(retention_s=10 * 86_400)
    first, second = place("first"), place("second", bucket)
    now = system_clock() // NS_PER_S * NS_PER_S
    times = [now - 30 * NS_PER_DAY, now - 5 * NS_PER_DAY, now]
    fill(first, [Batch.of_numbers(FACILITY, "stored_current", times, [1.0, 2.0, 3.0])])
    answer = kado("store", "copy", "-c", str(first), "--to", str(second))
    assert answer.exit_code == 0, answer.err
    assert "on: the bucket does not keep older ones" in answer.out
    assert [row[1] for row in everything(second)["stored_current"]] == [2.0, 3.0]


def test_counts_that_do_not_agree_are_a_problem(kado: Kado, influx_bucket: Bucket) -> None:
    first, second = place("first"), place("second", influx_bucket)
    fill(first)

    def interfere(done: int, total: int, signal: str) -> None:
        line = f'telemetry,facility={FACILITY},signal=machine_mode state="user",quality="good" {DAY + 5}'
        influx_bucket.write(line)

    result = copy_store(load(first), load(second), system_clock, progress=interfere)
    problem = str(*result.problems())
    assert problem.startswith("machine_mode: bucket ")
    assert "should hold 40 samples, and holds 41" in problem


def load(path: Path) -> Configuration:
    return load_configuration(path)


@pytest.mark.parametrize(
    ("facility", "said"),
    [
        ("nanoterasu", "real and simulated samples are never mixed"),
        ("maxiv_sim", "is about facility 'nanoterasu_sim', "),
    ],
)
def test_samples_of_another_facility_are_never_copied(kado: Kado, facility: str, said: str) -> None:
    first, second = place("first"), place("second", facility=facility)
    fill(first)
    answer = kado("store", "copy", "-c", str(first), "--to", str(second))
    assert answer.exit_code == 2
    assert said in answer.err
    assert not Path("second/data").exists()


def test_a_store_is_not_copied_onto_itself(kado: Kado, influx_bucket: Bucket) -> None:
    first, second = place("first", influx_bucket), place("second", influx_bucket)
    answer = kado("store", "copy", "-c", str(first), "--to", str(second))
    assert answer.exit_code == 2
    assert "name the same store" in answer.err


def test_a_store_that_is_in_use_is_not_copied_to(kado: Kado) -> None:
    first, second = place("first"), place("second")
    fill(first)
    with DirectoryLock(Path("second/data")):
        answer = kado("store", "copy", "-c", str(first), "--to", str(second))
    assert answer.exit_code == 3
    assert "is in use by the process with pid" in answer.err


def test_the_environment_speaks_of_this_kado_and_not_of_the_other(kado: Kado) -> None:
    first, second = place("first"), place("second")
    fill(first)
    answer = kado("store", "copy", "-c", str(first), "--to", str(second), KADO_DATA_DIR="elsewhere")
    assert answer.exit_code == 2, "there is nothing in first/elsewhere"
    assert "first/elsewhere" in answer.err


@pytest.mark.parametrize("words", [[], ["--to", "a", "--from", "b"]])
def test_one_other_store_has_to_be_named(kado: Kado, words: list[str]) -> None:
    answer = kado("store", "copy", *words)
    assert answer.exit_code == 2
    assert "one of --to FILE and --from FILE" in answer.err


def test_pieces_end_with_days_and_months_and_make_the_whole(kado: Kado) -> None:
    first = place("first")
    fill(first)
    with opened(first) as store:
        extent = next(one for one in store.series() if one.signal == "stored_current")
        pieces = list(pieces_to_copy(store, extent, at_least=1000))
        whole = store.read("stored_current", 0, 2**62)
    assert rows(concat(pieces).samples(FACILITY, "stored_current")) == rows(whole)
    # 144 samples a day: seven days reach 1000; May has five left, June 30.
    assert [len(piece) // 144 for piece in pieces] == [5, 7, 7, 7, 7, 2, 5]
    assert {int(piece.time_ns[0]) % NS_PER_DAY for piece in pieces} == {0}
