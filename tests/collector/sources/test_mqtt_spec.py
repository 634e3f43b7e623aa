"""The configuration of an MQTT source: every option documented, every mistake named."""

import re
import tomllib
from pathlib import Path

import pytest

from collector.sources.mqtt.spec import MqttSource, TopicMapping
from facility.documents import build
from facility.errors import ConfigError, ProfileError
from facility.profile import load_profile

FOLDER = Path(__file__).parents[3] / "collector" / "sources" / "mqtt"
SAMPLE = (FOLDER / "sample.toml").read_text()
PROFILE = load_profile("nanoterasu_sim")
SIGNAL = [{"topic": "ring/current", "signal": "stored_current"}]


def source(**options: object) -> MqttSource:
    return build(MqttSource, {"id": "ring", "url": "mqtt://host", "signal": SIGNAL} | options, "kado.toml", ConfigError)


def test_the_sample_is_valid_and_shows_the_defaults() -> None:
    (table,) = tomllib.loads(SAMPLE)["source"]
    assert build(MqttSource, table, "sample.toml", ConfigError).signals == ("stored_current",)
    for name, field in MqttSource.model_fields.items():
        shown = re.search(rf"^# {name} = (.*)$", SAMPLE, re.MULTILINE)
        if shown and field.default not in (None, {}, ()):
            assert tomllib.loads(f"x = {shown[1]}")["x"] == field.default


def test_the_sample_with_every_option_uncommented_is_valid() -> None:
    text = re.sub(r'^# (\w+ = (?:"[^"]*"|[\d.]+))$', r"\1", SAMPLE, flags=re.MULTILINE)
    text = text.replace("mqtt://", "mqtts://").replace('format = "json"', 'format = "influx"')
    text = re.sub(
        r"^(?:password_env|pointer|quality_pointer|time_pointer = \"/current).*$", "", text, flags=re.MULTILINE
    )
    (table,) = tomllib.loads(text)["source"]
    made = build(MqttSource, table, "sample.toml", ConfigError)
    known = {f.alias or n for n, f in MqttSource.model_fields.items()} - {"password_env", "qualities"}
    assert set(table) == known
    assert made.client_id == "kado-nanoterasu-ring"


@pytest.mark.parametrize("model", [MqttSource, TopicMapping])
def test_every_option_is_described_with_its_default(model: type[MqttSource | TopicMapping]) -> None:
    for name, field in model.model_fields.items():
        key = field.alias or name
        assert re.search(rf"^(?:# )?{key} = |^\[\[source\.{key}\]\]", SAMPLE, re.MULTILINE), key
        assert field.description or key == "kind"
        if not field.is_required() and key != "kind":
            before = SAMPLE[: re.search(rf"^(?:# )?{key} = ", SAMPLE, re.MULTILINE).start()]  # type: ignore[union-attr]  # found, or the test fails
            assert "Default:" in before[before.rindex("\n\n") :] or key == "series", key


def test_the_readme_points_to_the_sample() -> None:
    assert "sample.toml" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"usrname": "x"}, "kado.toml: unknown key 'usrname'; did you mean 'username'?"),
        ({"url": "localhost:1883"}, "url 'localhost:1883' is not a broker: write mqtt://host:1883, or mqtts://"),
        ({"url": "http://host"}, "is not a broker"),
        ({"url": "mqtt://host/path"}, "is not a broker"),
        ({"url": "mqtt://host:99999"}, "Port out of range"),
        ({"url": "mqtt://me:secret@host"}, "url holds a user: use username, and password_file or password_env"),
        ({"username": "me", "password_env": "A", "password_file": "b"}, "are both given: use one of them"),
        ({"password_env": "A"}, "a password is given and no username"),
        ({"ca_file": "ca.pem"}, "ca_file is for TLS"),
        ({"client": "paho"}, "use one of 'mqttium', 'aiomqtt'"),
        ({"max_payload_bytes": "1MB"}, "max_payload_bytes = '1MB'"),
        ({"max_payload_bytes": True}, "max_payload_bytes = True"),
        ({"batch_delay_s": float("nan")}, "batch_delay_s = nan"),
        ({"signal": []}, "no signal is mapped: add a [[source.signal]] table, or mapping_file"),
        ({"signal": [{"topic": "a", "signal": "a", "pointer": "/a"}]}, "format 'json' takes no pointer"),
        ({"format": "document", "signal": [{"topic": "a", "signal": "a"}]}, "'a': format 'document' needs pointer"),
        ({"signal": [{"topic": "bl{port}", "signal": "shutter_{port}"}]}, "has {port} in it and no ports"),
        (
            {"signal": [{"topic": "ring/#", "signal": "a"}]},
            "topic 'ring/#' has a wildcard: a signal has exactly one topic",
        ),
        ({"signal": [{"topic": "$share/g/t", "signal": "a"}]}, "is a shared subscription"),
        ({"signal": [{"topic": "a", "signal": "A"}]}, "'A' is not a slug"),
        ({"signal": [*SIGNAL, *SIGNAL]}, "signal 'stored_current' is mapped twice"),
        ({"signal": [*SIGNAL, {"topic": "ring/current", "signal": "b"}]}, "topic 'ring/current' is mapped to two"),
        ({"format": "influx"}, "signal 'stored_current': format 'influx' needs series, the measurement and tags"),
        ({"signal": [{"topic": "a", "signal": "a", "series": "b"}]}, "format 'json' takes no series"),
        ({"format": "influx", "signal": [{"topic": "a", "signal": "a", "series": "b,"}]}, "'b,' is not a series"),
    ],
)
def test_a_mistake_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        source(**options)
    assert message in str(raised.value)


def test_one_line_maps_the_same_thing_at_many_ports() -> None:
    shutters = source(signal=[{"topic": "bl/{PORT}/mbs", "signal": "shutter_{port}", "ports": ["02u", "08..10"]}])
    assert shutters.signals == ("shutter_02u", "shutter_08", "shutter_09", "shutter_10")
    assert shutters._endpoint("nanoterasu").topics == ("bl/02U/mbs", "bl/08/mbs", "bl/09/mbs", "bl/10/mbs")


def test_mappings_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "signals.csv").write_text("topic,signal,scale\nring/a,stored_current,1000\n", encoding="utf-8")
    made = source(signal=[], mapping_file=str(tmp_path / "signals.csv"))
    assert made.signals == ("stored_current",)
    (tmp_path / "signals.csv").write_text("topic,signal,series\nring/a,stored_current,beam\n", encoding="utf-8")
    wrong = source(signal=[], mapping_file=str(tmp_path / "signals.csv"))
    with pytest.raises(ConfigError, match="source ring: signal 'stored_current': format 'json' takes no series"):
        wrong._endpoint("nanoterasu")


def test_one_topic_may_carry_several_fields_of_line_protocol() -> None:
    fields = [{"topic": "t", "signal": s, "series": "beam", "field": s} for s in ("stored_current", "beam_lifetime")]
    assert source(format="influx", signal=fields).signals == ("stored_current", "beam_lifetime")


def test_the_session_has_a_stable_name_of_its_own() -> None:
    assert source()._endpoint("nanoterasu").client_id == "kado-nanoterasu-ring"
    assert source(client_id="mine")._endpoint("nanoterasu").client_id == "mine"


@pytest.mark.parametrize(
    ("url", "port"), [("mqtt://h", 1883), ("mqtts://h", 8883), ("mqtt://h:5", 5), ("mqtt://[::1]:5", 5)]
)
def test_a_url_gives_host_port_and_tls(url: str, port: int) -> None:
    endpoint = source(url=url)._endpoint("nanoterasu")
    assert (endpoint.port, endpoint.tls is not None) == (port, url.startswith("mqtts"))
    assert endpoint.host in {"h", "::1"}


def test_the_password_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from file\n")
    monkeypatch.setenv("KADO_TEST_PASSWORD", "from environment")
    by_file = source(username="me", password_file=str(tmp_path / "secret"))._endpoint("x")
    by_variable = source(username="me", password_env="KADO_TEST_PASSWORD")._endpoint("x")
    assert (by_file.password, by_variable.password) == ("from file", "from environment")
    assert "from file" not in repr(by_file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"username": "me", "password_env": "KADO_NONE"}, "source ring: environment variable 'KADO_NONE'"),
        ({"username": "me", "password_file": "/nowhere/x"}, "source ring: password_file cannot be read: .*/nowhere/x"),
        ({"url": "mqtts://h", "ca_file": "/nowhere/ca"}, "source ring: ca_file /nowhere/ca cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_read_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        source(**options)._endpoint("nanoterasu")


async def test_a_signal_that_the_facility_lacks_is_named_before_anything_is_connected() -> None:
    wrong = source(signal=[{"topic": "a", "signal": "stored_curent"}])
    with pytest.raises(ProfileError, match="facility nanoterasu_sim has no signal 'stored_curent'; it has stored_curr"):
        async with wrong.connect(PROFILE, lambda: 0):
            pass
