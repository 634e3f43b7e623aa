"""``kado.toml``: strict, overridden by the environment, without secrets; messages that say what to do."""

from pathlib import Path

import pytest

from command_line import Kado
from facility.errors import ConfigError, KadoError
from kado.config import Configuration, load_configuration
from kado.source_kinds import source_classes
from kado.store_settings import EmbeddedSettings, InfluxSettings
from storage.embedded.backend import EmbeddedBackend

MQTT = """
[[source]]
id = "ring"
kind = "mqtt"
url = "mqtt://localhost:1883"
  [[source.signal]]
  topic = "nanoterasu/ring/stored_current"
  signal = "stored_current"
"""
INFLUXDB = """
[store]
kind = "influxdb"
url = "http://localhost:8086"
org = "kado"
bucket = "kado"
token_file = "token"
"""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("KADO_CONFIG", "KADO_REQUIRE_SERVICES"):
        monkeypatch.delenv(name, raising=False)


def load(text: str) -> Configuration:
    Path("kado.toml").write_text(text, encoding="utf-8")
    return load_configuration()


def message(text: str) -> str:
    with pytest.raises(KadoError) as raised:
        load(text)
    assert raised.value.exit_code == 2
    return str(raised.value)


def test_a_facility_is_enough() -> None:
    configuration = load('facility = "nanoterasu"')
    assert configuration.store.kind == "embedded"
    assert configuration.data_dir == Path.cwd() / "data"
    assert configuration.sources == ()


def test_a_source_table_becomes_the_source_itself() -> None:
    (source,) = load('facility = "nanoterasu"\n' + MQTT).sources
    assert (source.id, source.signals) == ("ring", ("stored_current",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('facilty = "nanoterasu"', "kado.toml: unknown key 'facilty'; did you mean 'facility'?"),
        ('facility = "nanoterasu"\ndatadir = "x"', "kado.toml: unknown key 'datadir'; did you mean 'data_dir'?"),
        ("", "kado.toml: 'facility' is missing"),
        ('facility = "nanoterasuu"', "no profile 'nanoterasuu': use one of maxiv_sim, mlf_sim, nanoterasu"),
        (
            'facility = "nanoterasu"\n[page]\nlisten = "x"',
            "kado.toml: page.listen = 'x': it does not match the pattern",
        ),
        (
            'facility = "nanoterasu"\n[store]\nkind = "influx"',
            "kado.toml: store.kind = 'influx' is not one of embedded, influxdb; did you mean 'influxdb'?",
        ),
        (
            'facility = "nanoterasu"\n' + INFLUXDB + 'tokn_env = "X"',
            "kado.toml: unknown key 'store.tokn_env'; did you mean 'token_env'?",
        ),
        (
            'facility = "nanoterasu"\n' + INFLUXDB + 'token = "hunter2"',
            "kado.toml: unknown key 'store.token'; did you mean 'token_",
        ),
        (
            'facility = "nanoterasu"\n' + INFLUXDB + 'token_env = "X"',
            "give the token by exactly one of token_file and token_env",
        ),
        (
            'facility = "nanoterasu"\n' + INFLUXDB + 'timeout_s = "5"',
            "kado.toml: store.timeout_s = '5': give a number, without quotes",
        ),
        (
            'facility = "nanoterasu"\n' + INFLUXDB + "timeout_s = true",
            "kado.toml: store.timeout_s = True: give a number, without quotes",
        ),
        (
            'facility = "nanoterasu"\n' + MQTT.replace('mqtt"\nurl', 'mqqt"\nurl'),
            f"kado.toml: source[1].kind = 'mqqt' is not one of {', '.join(source_classes())}; did you mean 'mqtt'?",
        ),
        (
            'facility = "nanoterasu"\n' + MQTT.replace("url =", "ulr ="),
            "kado.toml: unknown key 'source[1].ulr'; did you mean 'url'?",
        ),
        (
            'facility = "nanoterasu"\n' + MQTT.replace('signal = "stored', 'signal = "stord'),
            "source 'ring': facility nanoterasu has no signal 'stord_current'; did you mean 'stored_current'?",
        ),
        ('facility = "nanoterasu"\n' + MQTT + MQTT, "two sources are called 'ring'"),
        (
            'facility = "nanoterasu"\n[[source]]\nid = "ring"\nkind = "simulator"',
            "source 'ring' is a simulator and facility 'nanoterasu' is real",
        ),
        ("facility = ", "kado.toml is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(text: str, expected: str) -> None:
    found = message(text)
    assert expected in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://kado:secret@localhost:8086", "url holds credentials"),
        ("http://localhost:8086?token=secret", "url has a query"),
        ("http://localhost:8086/#secret", "or a fragment"),
    ],
)
def test_a_url_of_the_store_that_holds_a_secret_is_refused_and_not_shown(url: str, expected: str) -> None:
    said = message('facility = "nanoterasu"\n' + INFLUXDB.replace("http://localhost:8086", url))
    assert expected in said
    assert "token_file or token_env" in said
    assert "secret" not in said


def test_check_warns_of_a_secret_that_others_can_read(kado: Kado) -> None:
    secret = Path("mqtt.password")
    secret.write_text("secret", encoding="utf-8")
    closed = MQTT.replace('1883"', '1"\nusername = "kado"\npassword_file = "mqtt.password"')
    Path("kado.toml").write_text('facility = "nanoterasu"\n' + closed, encoding="utf-8")
    secret.chmod(0o644)
    warned = [c for c in kado("check", "--format", "json").document["checks"] if c["what"] == "secrets"]
    assert [(c["ok"], c["detail"].endswith(f"run chmod 600 {secret.absolute()}")) for c in warned] == [(True, True)]
    secret.chmod(0o600)
    assert "chmod" not in kado("check").out


def test_every_problem_is_reported_at_once() -> None:
    found = message('facilty = "x"\n[store]\nkind = "no"\n' + MQTT.replace("url =", "ulr ="))
    assert len(found.splitlines()) == 5


def test_no_file_says_how_to_get_one() -> None:
    with pytest.raises(ConfigError, match="write one with 'kado init', or name another with --config FILE"):
        load_configuration()


class TestEnvironment:
    def test_it_overrides_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KADO_STORE__TIMEOUT_S", "3")
        monkeypatch.setenv("KADO_DATA_DIR", "elsewhere")
        configuration = load('facility = "nanoterasu"\ndata_dir = "here"\n' + INFLUXDB)
        assert isinstance(configuration.store, InfluxSettings)
        assert configuration.store.timeout_s == 3.0
        assert configuration.data_dir == Path.cwd() / "elsewhere"

    def test_it_can_choose_another_store(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "KIND": "influxdb",
            "URL": "http://db",
            "ORG": "o",
            "BUCKET": "b",
            "TOKEN_ENV": "T",
        }.items():
            monkeypatch.setenv(f"KADO_STORE__{name}", value)
        assert load('facility = "nanoterasu"\n[store]\nkind = "embedded"').store.kind == "influxdb"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("KADO_DATADIR", "KADO_DATADIR overrides no key of kado.toml; did you mean KADO_DATA_DIR?"),
            ("KADO_STROE__KIND", "KADO_STROE__KIND overrides no key of kado.toml; did you mean KADO_STORE__"),
            ("KADO_SOURCE", "KADO_SOURCE is not JSON"),
            ("KADO_STORE__KIND", "store.kind = 'x' is not one of embedded, influxdb"),
        ],
    )
    def test_a_variable_that_is_wrong_is_named(self, monkeypatch: pytest.MonkeyPatch, name: str, expected: str) -> None:
        monkeypatch.setenv(name, "x")
        assert expected in message('facility = "nanoterasu"')

    def test_what_others_of_that_prefix_mean_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KADO_REQUIRE_SERVICES", "1")
        monkeypatch.setenv("KADO_DEMO_SECONDS", "1")
        load('facility = "nanoterasu"')


class TestPlaces:
    def test_relative_ones_start_from_the_folder_of_the_file(self, tmp_path: Path) -> None:
        folder = tmp_path / "etc"
        folder.mkdir()
        source = MQTT.replace("url =", 'username = "kado"\npassword_file = "secret"\nurl =')
        (folder / "kado.toml").write_text('facility = "nanoterasu"\n' + source)
        configuration = load_configuration(folder / "kado.toml")
        assert configuration.data_dir == folder / "data"
        assert getattr(configuration.sources[0], "password_file") == folder / "secret"  # noqa: B009 - a field of one kind of source

    def test_a_profile_of_ones_own_lies_beside_the_file(self, tmp_path: Path) -> None:
        own = """
            id = "my_ring"
            name = { en = "My ring", ja = "私のリング" }
            time_zone = "Europe/Berlin"
            delivery_signal = "current"
            [[signal]]
            id = "current"
            [[limits]]
            from = 2020-01-01
            nominal = 100.0
            tolerance = 95.0
            minimum = 5.0
        """
        (tmp_path / "my_ring.toml").write_text(own)
        (tmp_path / "kado.toml").write_text('facility = "my_ring.toml"')
        assert load_configuration(tmp_path / "kado.toml").profile.id == "my_ring"

    def test_the_token_is_read_from_its_file(self, tmp_path: Path) -> None:
        store = load('facility = "nanoterasu"\n' + INFLUXDB).store
        assert isinstance(store, InfluxSettings)
        (tmp_path / "token").write_text("secret\n")
        assert store.token(tmp_path, {}) == "secret"

    @pytest.mark.parametrize(
        ("content", "expected"), [(None, r"token \(store.token_file\) cannot be read"), ("\n", "holds no token")]
    )
    def test_a_token_that_is_not_there_is_missed(self, tmp_path: Path, content: str | None, expected: str) -> None:
        store = load('facility = "nanoterasu"\n' + INFLUXDB).store
        assert isinstance(store, InfluxSettings)
        if content is not None:
            (tmp_path / "token").write_text(content)
        with pytest.raises(ConfigError, match=expected):
            store.token(tmp_path, {})

    def test_a_variable_without_the_token_is_named(self, tmp_path: Path) -> None:
        store = load('facility = "nanoterasu"\n' + INFLUXDB.replace('file = "token"', 'env = "INFLUX_TOKEN"')).store
        assert isinstance(store, InfluxSettings)
        with pytest.raises(ConfigError, match=r"the environment variable INFLUX_TOKEN \(store.token_env\) holds no"):
            store.token(tmp_path, {})


def test_check_says_what_the_page_exposes_and_to_whom(kado: Kado) -> None:
    assert kado("init").exit_code == 0
    shown = " ".join(kado("check").out.split())
    assert "http://127.0.0.1:8420/: everybody on this machine can read figures, record and alarms" in shown
    assert "nobody can write" in shown


def test_a_page_without_accounts_listens_on_loopback_only(kado: Kado) -> None:
    assert kado("init").exit_code == 0
    text = Path("kado.toml").read_text()
    Path("kado.toml").write_text(text.replace("[page]", '[page]\nlisten = "0.0.0.0:8420"'))
    answer = kado("check")
    assert answer.exit_code == 1
    assert "without accounts the page listens on loopback only" in " ".join(answer.out.split())


RETENTION = 'facility = "nanoterasu"\n[store]\nkind = "embedded"\n'


def test_signals_are_kept_for_ever_unless_a_rule_says_otherwise() -> None:
    store = load(RETENTION).store
    assert isinstance(store, EmbeddedSettings)
    assert store.retention.days("stored_current") is None
    rules = 'retention = { keep_days = 400, signals = { stored_current = "forever", beam_lifetime = 30 } }'
    store = load(RETENTION + rules).store
    assert isinstance(store, EmbeddedSettings)
    days = [store.retention.days(s) for s in ("stored_current", "beam_lifetime", "machine_mode", "ring_link")]
    assert days == [None, 30, 400, 400]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("retention = { keep_days = 0 }", "store.retention.keep_days = 0: it must be at least 1"),
        ("retention = { keepdays = 1 }", "unknown key 'store.retention.keepdays'; did you mean 'keep_days'?"),
        ("retention = { signals = { beam_lifetme = 3 } }", "no signal 'beam_lifetme'; did you mean 'beam_lifetime'?"),
        ('retention = { signals = { beam_lifetime = "never" } }', "beam_lifetime = 'never': give whole days, at le"),
        ("retention = { signals = { beam_lifetime = 1.5 } }", "beam_lifetime = 1.5: give whole days"),
    ],
)
def test_a_rule_that_could_delete_the_wrong_samples_is_refused(rules: str, expected: str) -> None:
    assert expected in message(RETENTION + rules)


ARCHIVE = 'facility = "nanoterasu"\n[store]\nkind = "embedded"\n'


@pytest.mark.parametrize(
    ("archive", "expected"),
    [
        ("", "data/archive"),
        ('archive = "/mnt/share/ring"', "/mnt/share/ring"),
        ('archive = "../sealed"', "../sealed"),
        ('archive = "s3://bucket/ring?region=eu-west-1"', "s3://bucket/ring?region=eu-west-1"),
    ],
)
def test_sealed_files_lie_where_the_configuration_says(archive: str, expected: str) -> None:
    backend = load(ARCHIVE + archive).backend
    assert isinstance(backend, EmbeddedBackend)
    found = backend.archive
    assert found == (expected if "://" in expected else str(Path.cwd() / expected))


def test_keys_of_an_archive_are_neither_taken_nor_shown() -> None:
    said = message(ARCHIVE + 'archive = "s3://key:hush@bucket/ring"')
    assert "AWS_SHARED_CREDENTIALS_FILE" in said
    assert "hush" not in said
