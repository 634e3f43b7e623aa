"""For each kind of source a real server that it reads, and kado's reader of it in a process of its own."""

import json
import tempfile
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from conversation import Conversation
from facility.time import NS_PER_S, system_clock
from servers import Mosquitto, free_port
from waiting import wait_for

PROFILE = "nanoterasu_sim"
PREFIX = "NANOTERASU_SIM:"


class Bench:
    """A server with the signals of a simulated machine, and a reader."""

    kind: str
    resolution_ns = 1
    """Of the stamps that the protocol carries."""
    every_update = True
    """Whether the source sees each value; else the one that stands when it asks."""
    reasons: dict[str, str | None]
    """What is kept of the server's own word for a quality."""

    def __init__(self) -> None:
        self.server: Conversation | None = None
        self.reader = Conversation("reading_source.py", PROFILE)
        self.seen = 0

    # --- the server

    def url(self) -> str:
        """Address for the simulator's outlet."""
        raise NotImplementedError

    def start_server(self) -> None:
        self.server = Conversation("scripted_outlet.py", self.url(), PROFILE)
        self.server.ask("notes")

    def kill_server(self) -> None:
        assert self.server is not None
        self.server.kill()
        self.server = None

    def let_out(self, *samples: tuple[str, int, float | str, str]) -> None:
        """Let the server say samples: signal, time_ns, value, quality."""
        assert self.server is not None
        self.server.ask("release", items=[{"samples": [list(sample) for sample in samples]}])

    # --- the reader

    def mapping(self, signal: str, **options: Any) -> dict[str, Any]:
        """Return a ``[[source.signal]]`` table."""
        raise NotImplementedError

    def table(self, *mappings: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Return a ``[[source]]`` table."""
        raise NotImplementedError

    def read(self, *mappings: dict[str, Any], **options: Any) -> None:
        """Begin to read; what was seen before is forgotten."""
        self.seen = len(self.reader.updates)
        self.reader.ask("start", table=self.table(*mappings, **options))

    def connected(self) -> None:
        """Wait until the link is up."""
        wait_for(lambda: "up" in [state for _, state, _ in self.links])
        assert self.reader.ask("status")["state"] == "up", self.reader.ask("status")

    def stop(self) -> None:
        left = self.reader.ask("stop")
        assert left is None, left

    @property
    def updates(self) -> list[dict[str, Any]]:
        return self.reader.updates[self.seen :]

    def samples(self, signal: str, *, initial: bool = False) -> list[tuple[int, Any, str, str | None]]:
        """(time_ns, value, quality, reason) of a signal, without what was said because of the connection."""
        own = [u["sample"][1:5] for u in self.updates if "sample" in u and u["sample"][0] == signal]
        return [tuple(s) for s in own if initial or s[3] not in ("initial", "clock", *self.before_first)]

    before_first: tuple[str, ...] = ()
    """Reasons of what a server says of a signal that was never measured."""

    @property
    def links(self) -> list[tuple[int, str, str | None]]:
        """(time_ns, state, reason) of each report of the link."""
        return [(u["link"][1], u["link"][2], u["link"][4]) for u in self.updates if "link" in u]

    @property
    def gaps(self) -> list[tuple[int, int, str, int]]:
        return [tuple(u["gap"]) for u in self.updates if "gap" in u]

    @property
    def rejected(self) -> list[tuple[str, str, str, int]]:
        return [tuple(u["rejected"]) for u in self.updates if "rejected" in u]

    def close(self) -> None:
        self.reader.close()
        if self.server is not None:
            self.server.close()


class EpicsBench(Bench):
    """softioc, which serves Channel Access and pvAccess."""

    reasons = {"good": None, "uncertain": "MINOR SOFT", "bad": "INVALID READ"}  # noqa: RUF012 - constants of a bench
    before_first = ("INVALID UDF",)

    def __init__(self) -> None:
        super().__init__()
        self.ca_port, self.pva_port = free_port(), free_port()

    def url(self) -> str:
        return f"epics://127.0.0.1:{self.ca_port}?pva_port={self.pva_port}"

    def mapping(self, signal: str, **options: Any) -> dict[str, Any]:
        return {"pv": PREFIX + signal.upper().replace("{PORT}", "{port}"), "signal": signal, **options}


class CaBench(EpicsBench):
    kind = "epics_ca"

    def table(self, *mappings: dict[str, Any], **options: Any) -> dict[str, Any]:
        addresses = [f"127.0.0.1:{self.ca_port}"]
        return {"id": "ring", "kind": self.kind, "addresses": addresses, "signal": list(mappings), **options}


class PvaBench(EpicsBench):
    kind = "epics_pva"

    def table(self, *mappings: dict[str, Any], **options: Any) -> dict[str, Any]:
        servers = [f"127.0.0.1:{self.pva_port}"]
        return {"id": "ring", "kind": self.kind, "name_servers": servers, "signal": list(mappings), **options}


class TangoBench(Bench):
    """A device server of pytango's, without a database."""

    kind = "tango"
    resolution_ns = 1000
    reasons = {"good": None, "uncertain": "WARNING", "bad": "INVALID"}  # noqa: RUF012 - constants of a bench

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()

    def url(self) -> str:
        return f"tango://127.0.0.1:{self.port}"

    def mapping(self, signal: str, **options: Any) -> dict[str, Any]:
        return {"attribute": f"kado/sim/1/{signal}", "signal": signal, **options}

    def table(self, *mappings: dict[str, Any], **options: Any) -> dict[str, Any]:
        place = {"server": f"127.0.0.1:{self.port}", "database": False}
        return {"id": "ring", "kind": self.kind, **place, "signal": list(mappings), **options}


class HttpBench(Bench):
    """The simulator's server, asked for the newest sample of each signal."""

    kind = "http"
    every_update = False
    reasons = {"good": None, "uncertain": None, "bad": None}  # noqa: RUF012 - constants of a bench
    before_first = ("missing",)

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mapping(self, signal: str, **options: Any) -> dict[str, Any]:
        place = f"/last/{signal}"
        pointers = {"pointer": f"{place}/value", "time_pointer": f"{place}/time", "quality_pointer": f"{place}/quality"}
        return {**pointers, "signal": signal, **options}

    def table(self, *mappings: dict[str, Any], **options: Any) -> dict[str, Any]:
        options.pop("connect_timeout_s", None)
        url = f"{self.url()}/last"
        return {"id": "ring", "kind": "http", "url": url, "period_s": 0.05, "signal": list(mappings), **options}


BENCHES: dict[str, type[Bench]] = {bench.kind: bench for bench in (CaBench, PvaBench, TangoBench, HttpBench)}
LIBRARY = {"epics_ca": "aioca", "epics_pva": "p4p", "tango": "tango"}


def just_now() -> int:
    """Return a whole second a few seconds ago: real sources stamp what they say with the time at which it is so."""
    return (system_clock() // NS_PER_S - 20) * NS_PER_S


class MqttBench(Bench):
    """A real Mosquitto, and a publisher that is gone with it: what it does not take is lost."""

    kind = "mqtt"
    reasons = {"good": None, "uncertain": None, "bad": None}  # noqa: RUF012 - constants of a bench

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="kado-mosquitto-")
        self.broker = Mosquitto(Path(self._folder.name) / "broker", persistence=True)
        self._publisher: Client | None = None

    def start_server(self) -> None:
        self.broker.start()
        self._publisher = Client(CallbackAPIVersion.VERSION2)
        self._publisher.connect(self.broker.host, self.broker.port)
        self._publisher.loop_start()

    def kill_server(self) -> None:
        self._end_publisher()
        self.broker.kill()

    def let_out(self, *samples: tuple[str, int, float | str, str]) -> None:
        assert self._publisher is not None
        for signal, time_ns, value, quality in samples:
            payload = json.dumps({"time": time_ns, "value": value, "quality": quality})
            self._publisher.publish(f"ring/{signal}", payload, qos=1).wait_for_publish(10)

    def mapping(self, signal: str, **options: Any) -> dict[str, Any]:
        return {"topic": f"ring/{signal}", "signal": signal, **options}

    def table(self, *mappings: dict[str, Any], **options: Any) -> dict[str, Any]:
        options.pop("connect_timeout_s", None)
        return {"id": "ring", "kind": "mqtt", "url": self.broker.url, "signal": list(mappings), **options}

    def close(self) -> None:
        self._end_publisher()
        self.broker.stop()
        super().close()
        self._folder.cleanup()

    def _end_publisher(self) -> None:
        if self._publisher is not None:
            self._publisher.disconnect()
            self._publisher.loop_stop()
            self._publisher = None


EVERY_KIND: dict[str, type[Bench]] = {**BENCHES, "mqtt": MqttBench}
"""The kinds of the contract suite, and MQTT, whose broker keeps what was not heard."""


def as_toml(table: dict[str, Any]) -> str:
    """Return a ``[[source]]`` table as ``kado.toml`` holds it."""
    return "\n".join(["[[source]]", *(f"{key} = {_toml(value)}" for key, value in table.items()), ""])


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value)
