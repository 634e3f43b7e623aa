"""The same scenario and seed give the same samples on every way out, to real clients of real servers."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from command_line import run
from conversation import Conversation
from facility.batch import Batch
from facility.profile import load_profile
from facility.time import from_datetime
from live_simulator import OVER, LiveSimulator
from servers import Mosquitto, free_port
from simulators.answer_key import AnswerKey
from simulators.machine import Machine
from simulators.outlets.sample import Sample, samples_of
from simulators.scenario import load_scenario
from simulators.standing_states import standing_states
from waiting import wait_for

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
pytest.importorskip("tango", reason='no pytango: pip install "kado[tango]"')

SPEED = 20
LEAD_S, LENGTH_S = 600, 840
"""Simulated. Readers have the first 30 real seconds to come; then things go wrong."""
ARRIVES_WITHIN_S = 30.0
"""What was published may be on its way to a client for so long, on a busy machine."""
SEED = 7
WATCHED = ("stored_current", "stored_current_2", "machine_mode", "ion_chamber")
SHUTTER = "shutter_01"
P = "NANOTERASU_SIM:"
PROFILE = load_profile("nanoterasu_sim")

FAULTS = [
    (10, 20, 'effect = "monitor_dropout"\nreads = "bad"'),
    (40, 30, 'effect = "duplicates"'),
    (80, 30, 'effect = "out_of_order"'),
    (120, 10, 'effect = "beam_dump"'),
    (150, 12, 'effect = "clock_step"\nshift_s = -0.123'),
    (170, 40, 'effect = "link_outage"'),
]
"""(seconds after the lead, length in s, what)."""

Seen = list[tuple[int, Any, Any]]
"""(time in ns or us, value, quality) as they came."""


def write_scenario(folder: Path, start: datetime) -> Path:
    lines = ['id = "one_after_the_other"', 'title = { en = "One after the other", ja = "次々" }']
    for offset, length, what in FAULTS:
        at = start + timedelta(seconds=LEAD_S + offset)
        lines += ["[[fault]]", 'cause = "training"', what, f"at = [{at.isoformat()}]", f"length_s = {length}"]
    path = folder / "one_after_the_other.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def published_over_mqtt(broker: Mosquitto, stack: ExitStack) -> list[tuple[str, Any]]:
    received: list[tuple[str, Any]] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: received.append((message.topic, json.loads(message.payload)))
    granted = threading.Event()
    client.on_subscribe = lambda *_: granted.set()
    client.connect(broker.host, broker.port)
    client.subscribe("#", qos=1)
    client.loop_start()
    assert granted.wait(ARRIVES_WITHIN_S)
    stack.callback(client.loop_stop)
    stack.callback(client.disconnect)
    return received


def pages(url: str) -> list[Any]:
    samples: list[Any] = []
    page: dict[str, Any] = {"more": True, "next": 0}
    while page["more"]:
        page = httpx.get(f"{url}/samples", params={"after": page["next"], "limit": 1000}).json()
        samples += page["samples"]
    return samples


def from_the_first_seen(seen: Seen, sent: Seen) -> tuple[Seen, Seen]:
    """Return what was seen, and what was sent from the first of it on.

    Who subscribes is told the value of that moment, and told it again if it was posted in the same moment.
    """
    if seen[1:2] == seen[:1]:
        seen = seen[1:]
    return seen, sent[sent.index(seen[0]) :]


def as_epics(sample: Sample) -> tuple[int, Any, Any]:
    words = PROFILE.signal(sample.signal).words
    value = words.index(str(sample.value)) if words else sample.value
    return sample.time_ns, value, {"good": 0, "uncertain": 1, "bad": 3}[sample.quality]


def as_tango(sample: Sample) -> tuple[int, Any, Any]:
    words = PROFILE.signal(sample.signal).words
    value = words.index(str(sample.value)) if words else sample.value
    quality = {"good": "VALID", "uncertain": "WARNING", "bad": "INVALID"}[sample.quality]
    return sample.time_ns // 1000, None if quality == "INVALID" else value, quality


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_the_same_scenario_and_seed_give_the_same_samples_everywhere(
    mosquitto: Mosquitto, tmp_path: Path, stack: ExitStack
) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=LENGTH_S + 60)
    end = start + timedelta(seconds=LENGTH_S)
    scenario = write_scenario(tmp_path, start)
    period = ("--from", start.isoformat(), "--to", end.isoformat(), "--speed", str(SPEED))
    ca_port, pva_port, tango_port, http_port = (free_port() for _ in range(4))
    urls = {
        "mqtt": mosquitto.url,
        "epics": f"epics://127.0.0.1:{ca_port}?pva_port={pva_port}",
        "tango": f"tango://127.0.0.1:{tango_port}/kado/sim/1",
        "http": f"http://127.0.0.1:{http_port}",
    }
    over_mqtt = published_over_mqtt(mosquitto, stack)
    live: dict[str, LiveSimulator] = {}
    for name, url in urls.items():
        folder = tmp_path / name
        folder.mkdir()
        assert run("init", "--config", str(folder / "kado.toml")).exit_code == 0
        live[name] = LiveSimulator(folder, url, "--scenario", str(scenario), "--seed", str(SEED), *period)
        stack.callback(live[name].kill)

    live["mqtt"].start()
    live["http"].start()
    live["epics"].start()
    environment = {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO"}
    environment |= {"EPICS_CA_SERVER_PORT": str(ca_port), "EPICS_PVA_NAME_SERVERS": f"127.0.0.1:{pva_port}"}
    environment |= {"EPICS_PVA_ADDR_LIST": "", "EPICS_PVA_AUTO_ADDR_LIST": "NO"}
    epics = stack.enter_context(Conversation("epics_client.py", environment=environment))
    epics.ask("monitor", pvs=[P + name.upper() for name in (*WATCHED, SHUTTER)])
    live["tango"].start()
    tango = stack.enter_context(Conversation("tango_client.py", f"{urls['tango']}#dbase=no"))
    tango.ask("monitor", attributes=[*WATCHED, SHUTTER])
    for name in ("epics", "tango", "http"):
        live[name].wait_for(OVER, 200)
    printed = {"mqtt": live["mqtt"].ended()}

    machine = Machine(PROFILE, load_scenario(str(scenario)), SEED)
    sent = samples_of(Batch.concat(list(machine.history(from_datetime(start), from_datetime(end)))))
    assert {"bad"} < {s.quality for s in sent}
    assert any(s.time_ns % 1_000_000_000 for s in sent), "the clock step is seen"
    assert len(sent) > len({(s.signal, s.time_ns) for s in sent}), "duplicates are seen"
    lead_ns = from_datetime(start + timedelta(seconds=LEAD_S))

    # All of it was published; the last of it may be on its way still.
    last = {signal: [s for s in sent if s.signal == signal][-1] for signal in WATCHED}
    wait_for(lambda: len(over_mqtt) >= len(sent), ARRIVES_WITHIN_S)
    for signal, sample in last.items():
        for via in ("ca", "pva"):
            key = (via, P + signal.upper(), sample.time_ns)
            wait_for(
                lambda key=key: key in {(u["via"], u["pv"], u.get("time_ns")) for u in epics.updates}, ARRIVES_WITHIN_S
            )
        wait_for(
            lambda signal=signal, sample=sample: (
                (signal, sample.time_ns // 1000) in {(u["attribute"], u.get("time_us")) for u in tango.updates}
            ),
            ARRIVES_WITHIN_S,
        )

    over_http = pages(urls["http"])
    assert [(s["signal"], s["time"], s["value"], s["quality"]) for s in over_http] == [
        (s.signal, *s.document().values()) for s in sent
    ]
    assert over_mqtt == [(f"nanoterasu_sim/ring/{s.signal}", s.document()) for s in sent]
    for signal in WATCHED:
        own = [s for s in sent if s.signal == signal]
        for via in ("ca", "pva"):
            updates = [u for u in epics.updates if (u["via"], u["pv"]) == (via, P + signal.upper())]
            # A record before its first sample (UDF), or of a lost link (COMM), shows no sample.
            shown = [u for u in updates if u["alarm"][1] not in (9, 17, "COMM", "UDF")]
            assert len(shown) < len(updates), "the lost link is seen"
            seen, expected = from_the_first_seen(
                [(u["time_ns"], u["value"], u["alarm"][0]) for u in shown], [as_epics(s) for s in own]
            )
            assert seen == expected, (via, signal)
            assert seen[0][0] < lead_ns
        stamps = {s.time_ns // 1000 for s in own}
        # The first is what a client reads as it subscribes; events come a moment later, and from then on all of them.
        events = [u for u in tango.updates if u["attribute"] == signal][1:]
        shown = [u for u in events if u["quality"] != "INVALID" or u["time_us"] in stamps]
        assert len(shown) < len(events), "the lost link is seen"
        seen, expected = from_the_first_seen(
            [(u["time_us"], u["value"], u["quality"]) for u in shown], [as_tango(s) for s in own]
        )
        assert seen == expected, ("tango", signal)
        assert seen[0][0] < lead_ns // 1000

    # A state that is reported on change is there from the start.
    (standing,) = (s for s in standing_states(machine, from_datetime(start)) if s.signal == SHUTTER)
    stood = [standing, *(s for s in sent if s.signal == SHUTTER)]
    for via in ("ca", "pva"):
        first = next(u for u in epics.updates if (u["via"], u["pv"]) == (via, P + SHUTTER.upper()))
        assert (first["time_ns"], first["value"], first["alarm"][0]) in [as_epics(s) for s in stood], via
    first = next(u for u in tango.updates if u["attribute"] == SHUTTER)
    assert (first["time_us"], first["value"], first["quality"]) in [as_tango(s) for s in stood]
    # Who asks for newest samples has it, too.
    assert httpx.get(f"{urls['http']}/last").json()["last"][SHUTTER] == stood[-1].document()

    keys: list[AnswerKey] = []
    printed |= {name: live[name].stop() for name in ("epics", "tango", "http")}
    for name in urls:
        assert f"{len(sent):,} samples published to {urls[name]}" in printed[name]
        # Whatever libraries print of themselves is not among it.
        assert printed[name].startswith(" SIMULATED ")
        (key,) = (tmp_path / name / "data" / "answers").glob("*.json")
        keys.append(AnswerKey.read(key))
    assert keys == keys[:1] * 4
    assert {fault.effect for fault in keys[0].faults} >= {"monitor_dropout", "beam_dump", "clock_step", "link_outage"}
