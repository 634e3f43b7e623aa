"""The commands against real servers: reachable or not, allowed or not, and the same figures from either store."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command_line import Answer, Kado, run
from servers import Bucket, Mosquitto
from waiting import wait_for

FROM, TO = "2026-11-12T12:00:00+09:00", "2026-11-12T16:00:00+09:00"
SCENARIO = ["--scenario", "beam_dump", "--from", FROM, "--to", TO]


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return run


def configure(kado: Kado, bucket: Bucket, token: str | None = None) -> None:
    """Write a configuration for the bucket, by way of ``kado init``."""
    kado("init", "--store", "influxdb")
    text = Path("kado.toml").read_text()
    text = text.replace("http://localhost:8086", bucket.url).replace('org = "kado"', f'org = "{bucket.org}"')
    Path("kado.toml").write_text(text.replace('bucket = "kado"', f'bucket = "{bucket.name}"'))
    Path("influxdb.token").write_text(token or bucket.token)


def found(answer: Answer, what: str) -> dict[str, object]:
    return next(check for check in answer.document["checks"] if check["what"] == what)


def test_influxdb_is_found_to_be_right(kado: Kado, influx_bucket: Bucket) -> None:
    configure(kado, influx_bucket)
    store = found(kado("check", "--format", "json"), "store")
    assert store["ok"], store["detail"]
    assert "may be read and written" in str(store["detail"])


def test_a_check_writes_nothing_into_the_bucket(kado: Kado, influx_bucket: Bucket) -> None:
    configure(kado, influx_bucket)
    kado("check")
    assert influx_bucket.query("show measurements") == []


def test_a_wrong_token_is_named_by_where_it_came_from(kado: Kado, influx_bucket: Bucket) -> None:
    configure(kado, influx_bucket, token="hunter2")
    for words in (["check"], ["availability", "--period", "2026-11"]):
        answer = kado(*words)
        text = answer.out + answer.err
        assert "refuses the token from influxdb.token (store.token_file) (401" in text
        assert "hunter2" not in text
    assert kado("availability", "--period", "2026-11").exit_code == 3


def test_a_token_that_may_only_read_is_not_enough(kado: Kado, influx_bucket: Bucket) -> None:
    configure(kado, influx_bucket, influx_bucket.server.create_token(influx_bucket, actions=("read",)))
    store = found(kado("check", "--format", "json"), "store")
    assert not store["ok"]
    assert "it must be valid and may read and write bucket" in str(store["detail"])


def test_a_bucket_that_is_not_there_is_named_with_the_remedy(kado: Kado, influx_bucket: Bucket) -> None:
    configure(kado, influx_bucket)
    text = Path("kado.toml").read_text()
    Path("kado.toml").write_text(text.replace(influx_bucket.name, "elsewhere"))
    store = found(kado("check", "--format", "json"), "store")
    assert "has no bucket 'elsewhere'" in str(store["detail"])
    assert "influx bucket create" in str(store["detail"])


def test_both_stores_give_the_same_figures(
    kado: Kado, influx_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = []
    for store in ("embedded", "influxdb"):
        folder = tmp_path / store
        folder.mkdir()
        monkeypatch.chdir(folder)
        if store == "influxdb":
            configure(kado, influx_bucket)
        else:
            kado("init")
        answer = kado("simulate", *SCENARIO)
        assert answer.exit_code == 0, answer.err
        (key,) = Path("data/answers").glob("*.json")
        assert kado("verify", str(key)).exit_code == 0
        verified = kado("ledger", "--verify", "--format", "json")
        assert verified.exit_code == 0, verified.out
        assert verified.document["store"] == store
        words = ["--period", f"{FROM}/{TO}", "--as-known-on", "2199-01-01T00:00:00Z", "--format", "json"]
        document = kado("availability", *words).document
        # The calendar is recorded once for each store.
        (late,) = document["without_back_dated_versions"]
        assert late.pop("recorded_at") > FROM
        documents.append(document)
        assert kado("status", "--format", "json").document["signals"]["stored_current"]["quality"] == "good"
    assert documents[0] == documents[1]
    assert documents[0]["counts"]["failures"] == 1


def test_a_broker_is_found_to_be_right(kado: Kado, mosquitto: Mosquitto) -> None:
    kado("init", "--source", "mqtt")
    Path("kado.toml").write_text(Path("kado.toml").read_text().replace("mqtt://localhost:1883", mosquitto.url))
    ring = found(kado("check", "--format", "json"), "source ring")
    assert ring["ok"], ring["detail"]


def test_a_broker_that_refuses_us_says_so(kado: Kado, start_mosquitto: Callable[..., Mosquitto]) -> None:
    broker = start_mosquitto(password="correct horse")
    kado("init", "--source", "mqtt")
    text = Path("kado.toml").read_text().replace("mqtt://localhost:1883", broker.url)
    Path("kado.toml").write_text(
        text.replace("# username =", "username =").replace("# password_file =", "password_file =")
    )
    Path("mqtt.password").write_text("battery staple\n")
    ring = found(kado("check", "--format", "json"), "source ring")
    assert not ring["ok"]
    assert "refuses" in str(ring["detail"])
    Path("mqtt.password").write_text("correct horse\n")
    ring = found(kado("check", "--format", "json"), "source ring")
    assert ring["ok"], ring["detail"]


def test_a_machine_simulated_over_mqtt_is_collected_and_agrees_with_its_answers(
    kado: Kado, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    kado("init", "--source", "mqtt")
    Path("kado.toml").write_text(Path("kado.toml").read_text().replace("mqtt://localhost:1883", mosquitto.url))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "kado", "run"]
    service = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: kado("status").exit_code == 0 and link(kado) == "up")
        now = datetime.now(UTC).replace(microsecond=0)
        period = ["--from", (now + timedelta(seconds=1)).isoformat(), "--to", (now + timedelta(seconds=4)).isoformat()]
        live = kado("simulate", "--live", mosquitto.url, *period)
        assert live.exit_code == 0, live.err
        published = int(re.findall(r"(\d+) samples published", live.out)[0])
        assert published >= 3
        wait_for(lambda: stored(kado) >= published)
    finally:
        service.terminate()
        assert service.wait(120) == 0
    (key,) = Path("data/answers").glob("*.json")
    assert "SIMULATED publishing to mqtt://" in live.err
    agreed = kado("verify", str(key))
    assert agreed.exit_code == 0, agreed.out
    assert kado("ledger", "--verify").exit_code == 0


def link(kado: Kado) -> object:
    newest = kado("status", "--format", "json").document["links"]["ring"]
    return None if newest is None else newest["value"]


def stored(kado: Kado) -> int:
    """How many samples of the machine are stored; the link's own are left out."""
    with sqlite3.connect("data/telemetry.db") as connection:
        query = "SELECT sum(count) FROM ledger WHERE entry = 'stored' AND signal NOT LIKE '%_link'"
        (count,) = connection.execute(query).fetchone()
    connection.close()
    return count or 0
