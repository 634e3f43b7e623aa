"""A real IOC, read by caget-like clients of Channel Access and pvAccess."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import facility
from conversation import Conversation
from facility.time import NS_PER_S, parse_time
from servers import free_port
from waiting import wait_for

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
START = parse_time("2026-11-10T10:00:00+09:00")
P = "NANOTERASU_SIM:"
STATUS = {"NO_ALARM": 0, "": 0, "READ": 1, "LOW": 5, "COMM": 9, "SOFT": 15, "UDF": 17}
"""Of Channel Access, by the message that pvAccess has."""
GOOD, MINOR_SOFT, INVALID_READ, INVALID_COMM = [0, 0], [1, 15], [3, 1], [3, 9]


class Ioc:
    """An IOC that lets out what it is told to, and a client of it."""

    def __init__(self, options: str = "", profile: str = "nanoterasu_sim") -> None:
        self.ca_port, self.pva_port = free_port(), free_port()
        url = f"epics://127.0.0.1:{self.ca_port}?pva_port={self.pva_port}{options}"
        self.server = Conversation("scripted_outlet.py", url, profile)
        self.server.ask("notes")
        self.client = Conversation(
            "epics_client.py",
            environment={
                "EPICS_CA_ADDR_LIST": "127.0.0.1",
                "EPICS_CA_AUTO_ADDR_LIST": "NO",
                "EPICS_CA_SERVER_PORT": str(self.ca_port),
                "EPICS_PVA_ADDR_LIST": "",
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                "EPICS_PVA_NAME_SERVERS": f"127.0.0.1:{self.pva_port}",
            },
        )

    def release(self, *items: Any) -> int:
        return self.server.ask("release", items=items)

    def seen(self, via: str, pv: str, number: int) -> list[tuple[int, Any, Any]]:
        """Wait for so many updates of a PV, and return them all as (time_ns, value, [severity, status])."""

        def updates() -> list[tuple[int, Any, Any]]:
            own = [u for u in self.client.updates if (u["via"], u["pv"]) == (via, P + pv)]
            return [(u["time_ns"], u["value"], [u["alarm"][0], STATUS.get(u["alarm"][1], u["alarm"][1])]) for u in own]

        wait_for(lambda: len(updates()) >= number)
        return updates()

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture(scope="module")
def ioc() -> Iterator[Ioc]:
    ioc = Ioc()
    yield ioc
    ioc.close()


def test_stamps_are_exact_to_the_nanosecond_and_severity_says_the_quality(ioc: Ioc) -> None:
    ioc.client.ask("monitor", pvs=[P + "BEAM_LIFETIME"])
    samples = [
        ["beam_lifetime", START + 123_456_789, 7.25, "good"],
        ["beam_lifetime", START + 10 * NS_PER_S + 1, 7.5, "uncertain"],
        ["beam_lifetime", START + 20 * NS_PER_S + 999_999_999, 0.0, "bad"],
        ["beam_lifetime", START + 15 * NS_PER_S, 7.75, "good"],
    ]
    ioc.release({"samples": samples})
    expected = [(t, v, a) for (_, t, v, _), a in zip(samples, [GOOD, MINOR_SOFT, INVALID_READ, GOOD], strict=True)]
    assert ioc.seen("ca", "BEAM_LIFETIME", 5)[-4:] == expected
    assert ioc.seen("pva", "BEAM_LIFETIME", 5)[-4:] == expected


def test_a_burst_is_posted_whole_also_where_nothing_changes(ioc: Ioc) -> None:
    ioc.client.ask("monitor", pvs=[P + "STORED_CURRENT", P + "MACHINE_MODE"])
    numbers = [["stored_current", START + i * NS_PER_S, 200.0, "good"] for i in range(600)]
    states = [["machine_mode", START + i * NS_PER_S, "user" if i < 300 else "study", "good"] for i in range(600)]
    ioc.release({"samples": [s for pair in zip(numbers, states, strict=True) for s in pair]})
    for via in ("ca", "pva"):
        assert ioc.seen(via, "STORED_CURRENT", 601)[-600:] == [(t, v, GOOD) for _, t, v, _ in numbers]
        words = [0 if word == "user" else 1 for _, _, word, _ in states]
        assert ioc.seen(via, "MACHINE_MODE", 601)[-600:] == [
            (s[1], w, GOOD) for s, w in zip(states, words, strict=True)
        ]


def test_a_lost_link_makes_every_record_invalid_with_its_last_value_until_a_sample_comes(ioc: Ioc) -> None:
    ioc.client.ask("monitor", pvs=[P + "ION_CHAMBER"])
    ioc.release(
        {"samples": [["ion_chamber", START, 3.5, "good"]]},
        {"link": "down", "time_ns": START + 15 * NS_PER_S},
    )
    assert ioc.client.ask("text", pv=P + "LINK") == "down"
    ioc.release({"link": "up", "time_ns": START + 60 * NS_PER_S})
    ioc.release({"samples": [["ion_chamber", START + 60 * NS_PER_S, 3.25, "good"]]})
    assert ioc.client.ask("text", pv=P + "LINK") == "up"
    expected = [
        (START, 3.5, GOOD),
        (START + 15 * NS_PER_S, 3.5, INVALID_COMM),
        (START + 60 * NS_PER_S, 3.25, GOOD),
    ]
    assert ioc.seen("ca", "ION_CHAMBER", 4)[-3:] == expected
    assert ioc.seen("pva", "ION_CHAMBER", 4)[-3:] == expected


def test_a_record_says_its_unit_its_range_its_words_and_that_it_is_simulated(ioc: Ioc) -> None:
    ioc.release({"samples": [["stored_current", START, 200.125, "good"], ["machine_mode", START, "tuning", "good"]]})
    current = ioc.client.ask("get", pv=P + "STORED_CURRENT")
    assert (current["value"], current["units"], current["precision"]) == (200.125, "mA", 3)
    assert (current["lower_disp_limit"], current["upper_disp_limit"]) == (0, 600)
    # No alarm limits: severity says the quality alone.
    assert current["upper_alarm_limit"] is current["lower_warning_limit"] is None
    assert ioc.client.ask("get", pv=P + "ORBIT_X_RMS")["units"] == "µm"
    mode = ioc.client.ask("get", pv=P + "MACHINE_MODE")
    assert mode["enums"] == ["user", "study", "tuning", "maintenance", "shutdown", "refill"]
    assert ioc.client.ask("text", pv=P + "MACHINE_MODE") == "tuning"
    assert ioc.client.ask("text", pv=P + "STORED_CURRENT.DESC") == "SIMULATED Stored current"
    # 39 bytes, as many as a string of Channel Access has.
    assert ioc.client.ask("text", pv=P + "STORED_CURRENT_2.DESC") == "SIMULATED Stored current, second monito"
    assert ioc.client.ask("text", pv=P + "SIMULATED") == "SIMULATED / 模擬データ"
    assert ioc.client.ask("text", pv=P + "SCENARIO") == "quiet_week"
    assert ioc.client.ask("get", pv=P + "SEED")["value"] == 1
    structure = ioc.client.ask("pva_get", pv=P + "STORED_CURRENT")
    assert (structure["value"], structure["display"]["units"]) == (200.125, "mA")
    assert structure["display"]["description"] == "SIMULATED Stored current"
    assert ioc.client.ask("pva_get", pv=P + "MACHINE_MODE")["value"]["choices"] == mode["enums"]


def test_before_its_first_sample_a_record_is_invalid(ioc: Ioc) -> None:
    assert ioc.client.ask("get", pv=P + "SHUTTER_28")["severity"] == 3


def test_nobody_can_write_a_sample(ioc: Ioc) -> None:
    ioc.release({"samples": [["rf_voltage", START, 3.5, "good"]]})
    assert not ioc.client.ask("put", pv=P + "RF_VOLTAGE", value=1.0)
    assert "not permitted" in ioc.client.ask("pva_put", pv=P + "RF_VOLTAGE", value=1.0)
    assert ioc.client.ask("get", pv=P + "RF_VOLTAGE")["value"] == 3.5


def test_faults_are_injected_and_repaired_by_puts(ioc: Ioc) -> None:
    def result(begins: str) -> str:
        wait_for(lambda: ioc.client.ask("text", pv=P + "RESULT", long=True).startswith(begins))
        return ioc.client.ask("text", pv=P + "RESULT", long=True)

    assert ioc.client.ask("put", pv=P + "INJECT_LENGTH_S", value=600)
    assert ioc.client.ask("put", pv=P + "INJECT", value="monitor_dropout")
    assert "reads zero" in result("monitor_dropout from ")
    assert ioc.client.ask("text", pv=P + "INJECT") == "none"
    assert ioc.client.ask("put", pv=P + "INJECT", value="monitor_freeze")
    assert "contradicts monitor_dropout" in result("refused: ")
    wait_for(lambda: ioc.client.ask("text", pv=P + "ACTIVE", long=True) != "")
    assert ioc.client.ask("text", pv=P + "ACTIVE", long=True) == "monitor_dropout"
    assert ioc.client.ask("put", pv=P + "REPAIR", value="all")
    assert "monitor_dropout" in result("repaired: ")
    wait_for(lambda: ioc.client.ask("text", pv=P + "ACTIVE", long=True) == "")
    assert ioc.client.ask("text", pv=P + "ACTIVE", long=True) == ""


def test_another_profile_alarm_limits_where_asked_for_and_words_too_long_for_an_enumeration(tmp_path: Path) -> None:
    shipped = (Path(facility.__file__).parent / "profiles" / "nanoterasu_sim.toml").read_text(encoding="utf-8")
    word = "waiting for the injector to come back"
    profile = tmp_path / "own.toml"
    profile.write_text(shipped.replace('"refill"]', f'"refill", "{word}"]'), encoding="utf-8")
    ioc = Ioc("&alarms=yes", str(profile))
    try:
        ioc.client.ask("monitor", pvs=[P + "MACHINE_MODE"])
        told = [["machine_mode", START + i * NS_PER_S, said, "good"] for i, said in enumerate((word, "user", "user"))]
        ioc.release({"samples": [["stored_current", START, 5.0, "good"], *told]})
        current = ioc.client.ask("get", pv=P + "STORED_CURRENT")
        assert (current["lower_warning_limit"], current["lower_alarm_limit"]) == (390, 20)
        assert (current["severity"], current["status"]) == (2, 5)
        for via in ("ca", "pva"):
            assert ioc.seen(via, "MACHINE_MODE", 4)[-3:] == [(t, said, GOOD) for _, t, said, _ in told]
    finally:
        ioc.close()
