"""``kado store init`` on a real server: what it makes, what it leaves alone, what it is refused."""

import json
import os
import stat
import uuid
from pathlib import Path
from urllib.parse import urlencode

import pytest

from command_line import Kado, run
from servers import Bucket, InfluxDB

FORTY_DAYS_S = 40 * 86_400


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return run


@pytest.fixture
def server(influx_bucket: Bucket) -> InfluxDB:
    return influx_bucket.server


def configure(url: str, *, org: str = "kado", more: str = "") -> str:
    """Write a configuration for a bucket that is not there yet, with an operator token beside; return its name."""
    bucket = f"test_{uuid.uuid4().hex[:12]}"
    Path("kado.toml").write_text(
        f'facility = "nanoterasu_sim"\n[store]\nkind = "influxdb"\nurl = "{url}"\norg = "{org}"\n'
        f'bucket = "{bucket}"\ntoken_file = "influxdb.token"\n{more}'
    )
    return bucket


def operator(server: InfluxDB) -> list[str]:
    Path("operator.token").write_text(server.token + "\n")
    return ["store", "init", "--operator-token-file", "operator.token"]


def retention_s(server: InfluxDB, bucket: str) -> int:
    (found,) = json.loads(server.call("GET", f"/api/v2/buckets?{urlencode({'name': bucket})}"))["buckets"]
    (rule,) = found["retentionRules"] or [{"everySeconds": 0}]
    return rule["everySeconds"]


def test_both_buckets_are_made_with_the_retention_of_the_configuration(kado: Kado, server: InfluxDB) -> None:
    bucket = configure(server.url, more="retention_days = 40\n")
    answer = kado(*operator(server), "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert [(b["name"], b["state"]) for b in answer.document["buckets"]] == [
        (bucket, "made"),
        (f"{bucket}_1m", "made"),
    ]
    assert retention_s(server, bucket) == FORTY_DAYS_S
    assert retention_s(server, f"{bucket}_1m") == 0


def test_a_second_time_changes_nothing_and_says_so(kado: Kado, server: InfluxDB) -> None:
    configure(server.url)
    words = [*operator(server), "--write-token"]
    assert kado(*words).exit_code == 0
    token = Path("influxdb.token").read_text()
    answer = kado(*words)
    assert answer.exit_code == 0, answer.err
    assert answer.out.count("there already") == 2
    assert "unchanged" in next(row for row in answer.out.splitlines() if row.startswith("token"))
    assert Path("influxdb.token").read_text() == token


def test_the_token_that_is_written_is_for_these_buckets_alone_and_for_its_owner(kado: Kado, server: InfluxDB) -> None:
    bucket = configure(server.url)
    assert kado(*operator(server), "--write-token").exit_code == 0
    assert stat.S_IMODE(Path("influxdb.token").stat().st_mode) == 0o600
    token = Path("influxdb.token").read_text().strip()
    assert token != server.token
    own = InfluxDB.__new__(InfluxDB)
    own.port, own.token = server.port, token
    # The server counts buckets that the token may not see among those of a page.
    pages = [own.call("GET", f"/api/v2/buckets?limit=100&offset={offset}") for offset in range(0, 1000, 100)]
    seen = [bucket for page in pages for bucket in json.loads(page)["buckets"]]
    assert {b["name"] for b in seen} == {bucket, f"{bucket}_1m"}
    checks = kado("check", "--format", "json").document["checks"]
    assert next(c for c in checks if c["what"] == "store")["ok"]
    assert kado("store", "init").exit_code == 0, "what is there can be looked at with the store's own token"


def test_another_retention_is_told_and_changed_only_when_asked(kado: Kado, server: InfluxDB) -> None:
    bucket = configure(server.url)
    words = operator(server)
    assert kado(*words).exit_code == 0
    Path("kado.toml").write_text(Path("kado.toml").read_text() + "retention_days = 40\n")
    answer = kado(*words)
    assert answer.exit_code == 1
    assert "without limit; kado.toml: 40 days" in answer.out
    assert f"the server keeps the samples of {bucket} for another time than kado.toml says" in answer.err
    assert retention_s(server, bucket) == 0
    changed = kado(*words, "--update")
    assert changed.exit_code == 0, changed.err
    assert "40 days, before without limit" in changed.out
    assert retention_s(server, bucket) == FORTY_DAYS_S
    Path("kado.toml").write_text(Path("kado.toml").read_text().replace("retention_days = 40\n", ""))
    assert kado(*words, "--update").exit_code == 0
    assert retention_s(server, bucket) == 0


def test_a_token_file_that_does_not_fit_is_not_overwritten(kado: Kado, server: InfluxDB) -> None:
    configure(server.url)
    Path("influxdb.token").write_text(server.create_token(server.create_bucket()))
    before = Path("influxdb.token").read_text()
    answer = kado(*operator(server), "--write-token")
    assert answer.exit_code == 2
    assert "does not see bucket" in answer.err
    assert Path("influxdb.token").read_text() == before


def test_a_token_that_may_not_make_buckets_is_refused_with_the_way_to_get_one(kado: Kado, server: InfluxDB) -> None:
    configure(server.url)
    Path("operator.token").write_text(server.create_token(server.create_bucket()))
    answer = kado("store", "init", "--operator-token-file", "operator.token")
    assert answer.exit_code == 3
    assert "InfluxDB" in answer.err
    assert "operator" in answer.err


def test_a_wrong_token_is_named_by_its_source_and_never_printed(kado: Kado, server: InfluxDB) -> None:
    configure(server.url)
    answer = kado("store", "init", "--operator-token-env", "SECRET", SECRET="hunter2")
    assert answer.exit_code == 3
    assert "refuses the token from the environment variable SECRET" in answer.err
    assert "hunter2" not in answer.out + answer.err


def test_an_organisation_that_is_not_there_is_named(kado: Kado, server: InfluxDB) -> None:
    configure(server.url, org="nowhere")
    answer = kado(*operator(server))
    assert answer.exit_code == 3
    assert "has no organisation 'nowhere'" in answer.err


def test_a_server_that_does_not_answer_ends_with_3(kado: Kado) -> None:
    configure("http://127.0.0.1:1")
    answer = kado("store", "init", "--operator-token-env", "SECRET", SECRET="secret")
    assert answer.exit_code == 3
    assert "http://127.0.0.1:1 does not answer" in answer.err


def test_a_bucket_that_another_is_read_for_is_refused_and_read_with_a_token_for_it_alone(
    kado: Kado, server: InfluxDB
) -> None:
    plain = configure(server.url)
    server.create_bucket(name=plain)
    Path("kado.toml").write_text(Path("kado.toml").read_text().replace(f'"{plain}"', f'"{plain}/autogen"'))
    Path("influxdb.token").write_text(server.token)
    refused = [kado(*operator(server)), kado("check")]
    assert [answer.exit_code for answer in refused] == [3, 1]
    for answer in refused:
        assert "from another bucket" in " ".join((answer.out + answer.err).split())
    Path("influxdb.token").unlink()
    answer = kado(*operator(server), "--write-token")
    assert answer.exit_code == 0, answer.err
    checks = kado("check", "--format", "json").document["checks"]
    assert next(c for c in checks if c["what"] == "store")["ok"]


def test_no_file_is_left_when_the_token_could_not_be_made(kado: Kado, server: InfluxDB) -> None:
    bucket = configure(server.url)
    assert kado(*operator(server)).exit_code == 0
    of_both = [Bucket(server, name) for name in (bucket, f"{bucket}_1m")]
    Path("operator.token").write_text(server.create_token(of_both[0]))
    answer = kado("store", "init", "--operator-token-file", "operator.token", "--write-token")
    assert answer.exit_code == 3
    assert not Path("influxdb.token").exists()


@pytest.mark.parametrize(
    ("more", "words", "said"),
    [
        ("", [], "influxdb.token (store.token_file) cannot be read"),
        ("", ["--operator-token-file", "nowhere"], "nowhere (--operator-token-file) cannot be read"),
        ("", ["--operator-token-env", "EMPTY"], "the environment variable EMPTY holds no token"),
        ("", ["--operator-token-env", "A", "--operator-token-file", "b"], "by one of"),
        ("token_env", ["--operator-token-env", "A", "--write-token"], "there is no file to write it to"),
    ],
)
def test_wrong_use_is_told_before_anything_is_asked(kado: Kado, more: str, words: list[str], said: str) -> None:
    configure("http://127.0.0.1:1")
    if more:
        text = Path("kado.toml").read_text()
        Path("kado.toml").write_text(text.replace('token_file = "influxdb.token"', 'token_env = "TOKEN"'))
    answer = kado("store", "init", *words)
    assert answer.exit_code == 2
    assert said in answer.err


def test_an_embedded_store_needs_no_setting_up(kado: Kado) -> None:
    kado("init")
    answer = kado("store", "init")
    assert answer.exit_code == 2
    assert "is embedded: it needs no setting up" in answer.err
