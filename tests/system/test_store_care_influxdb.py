"""``kado store`` with samples in a real InfluxDB: what can be said of them, and what waits here."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from collector.arrival import Arrival
from collector.landing import Landing
from command_line import Kado, run
from facility.batch import Batch
from facility.time import MAX_NS, NS_PER_S, parse_time
from servers import Bucket
from storage.influxdb.store import InfluxStore

DATA = Path("data")
FACILITY = "nanoterasu_sim"
T0 = parse_time("2026-10-01T00:00:00Z")


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, influx_bucket: Bucket) -> Kado:
    """Run a command where kado.toml names the bucket, which holds a hundred samples and a state."""
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    bucket = influx_bucket
    Path("kado.toml").write_text(
        f'facility = "{FACILITY}"\n[store]\nkind = "influxdb"\nurl = "{bucket.url}"\norg = "{bucket.org}"\n'
        f'bucket = "{bucket.name}"\ntoken_file = "influxdb.token"\n[[source]]\nid = "ring"\nkind = "simulator"\n'
    )
    Path("influxdb.token").write_text(bucket.token)
    Path("samples.csv").write_text(
        "time,signal,value,quality,reason,arrival\n"
        + "".join(f"{T0 + i * NS_PER_S},stored_current,{400 + i / 7!r},good,,\n" for i in range(100))
        + f"{T0},machine_mode,user,uncertain,clock,{T0 + 60 * NS_PER_S}\n"
        + f"{T0},ring_link,up,,,\n"
    )
    assert run("import", "samples.csv").exit_code == 0
    return run


def test_status_says_what_the_server_counts(kado: Kado) -> None:
    document = kado("store", "status", "--format", "json").document
    assert [(one["signal"], one["samples"], one["keep_days"]) for one in document["signals"]] == [
        ("machine_mode", 1, None),
        ("ring_link", 1, None),
        ("stored_current", 100, None),
    ]
    assert (document["store"], document["waiting"], document["bytes_a_day"]) == ("influxdb", 0, None)
    text = kado("store", "status").out
    for part in ("influxdb, bucket ", "stored_current", "2026-10-01 09:01:39", "0 samples to forward", "free"):
        assert part in text
    assert " free" in kado("status").out


def test_verify_looks_at_what_waits_and_at_the_ledger(kado: Kado, influx_bucket: Bucket) -> None:
    answer = kado("store", "verify", "--deep")
    assert (answer.exit_code, "no problem found" in answer.out) == (0, True)
    bucket = influx_bucket
    with closing(InfluxStore(bucket.url, bucket.org, bucket.name, bucket.token, FACILITY)) as store:
        store.write(Batch.of_numbers(FACILITY, "stored_current", [T0 + 500 * NS_PER_S], [1.0]))
    answer = kado("store", "verify", "--format", "json")
    assert answer.exit_code == 1
    (finding,) = answer.document["findings"]
    assert finding["file"] == "ledger"
    assert "signal stored_current: the ledger says 100 samples, the influxdb store holds 101" in finding["what"]


def test_samples_go_from_a_server_into_files_and_back_to_the_bit(kado: Kado, influx_bucket: Bucket) -> None:
    bucket = influx_bucket

    def contents() -> list[object]:
        found: list[object] = []
        with closing(InfluxStore(bucket.url, bucket.org, bucket.name, bucket.token, FACILITY)) as store:
            for series in store.series():
                for batch in store.read_batches(series.signal, -MAX_NS, MAX_NS):
                    words = [
                        [batch.words[c] if c >= 0 else None for c in codes] for codes in (batch.state, batch.reason)
                    ]
                    columns = (batch.time_ns, batch.arrival_ns, batch.value, batch.quality)
                    found += [series.signal, *(column.tobytes() for column in columns), *words]
            for series in store.series():
                store.delete(series.signal, MAX_NS)
            assert store.series() == []
        return found

    assert kado("store", "export", "all", "--out", "everything").exit_code == 0
    before = contents()
    DATA.rename("before")
    answer = kado("store", "import", "everything")
    assert answer.exit_code == 0, answer.err
    assert contents() == before


def test_what_waits_is_told(kado: Kado) -> None:
    with Landing.open(DATA, FACILITY, "influxdb") as landing:
        landing.land_now(Arrival("ring", Batch.of_numbers(FACILITY, "stored_current", [T0], [400.0])))
    assert kado("store", "status", "--format", "json").document["waiting"] == 1
