"""What may be written behind --live, and what is said of everything else."""

import os
from collections.abc import AsyncIterator
from importlib import util
from pathlib import Path
from typing import get_args

import pytest

from facility.batch import Batch
from facility.errors import ConfigError, KadoError, MissingExtraError
from facility.profile import load_profile
from facility.source import LinkReport
from facility.time import NS_PER_S, parse_time
from kado.cli.simulate import simulate
from simulators.machine import Machine
from simulators.outlets.epics_address import EpicsAddress
from simulators.outlets.outlet import rounds
from simulators.outlets.table import ADDRESSES, make_outlet
from simulators.scenario import load_scenario

PROFILE = load_profile("nanoterasu_sim")
START = parse_time("2026-11-10T09:59:30+09:00")


def parsed(url: str, **environment: str) -> EpicsAddress:
    return EpicsAddress.parse(url, PROFILE, dict(environment))


def test_without_a_word_an_ioc_listens_on_the_loopback_at_the_usual_ports() -> None:
    assert parsed("epics://") == EpicsAddress("127.0.0.1", 5064, 5075, 5076, "NANOTERASU_SIM:", alarms=False)


def test_the_address_goes_before_the_environment() -> None:
    variables = {"EPICS_CAS_SERVER_PORT": "6064", "EPICS_PVAS_SERVER_PORT": "6075", "EPICS_PVAS_BROADCAST_PORT": "6076"}
    assert parsed("epics://0.0.0.0/SR:", **variables) == EpicsAddress("0.0.0.0", 6064, 6075, 6076, "SR:", alarms=False)
    assert parsed("epics://127.0.0.1:7064?pva_port=7075&alarms=yes", **variables) == EpicsAddress(
        "127.0.0.1", 7064, 7075, 7076, "NANOTERASU_SIM:", alarms=True
    )


def test_an_ioc_listens_and_calls_at_its_own_address_alone() -> None:
    environment = {"EPICS_CAS_INTF_ADDR_LIST": "10.0.0.1", "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "YES"}
    parsed("epics://127.0.0.1:6064").set_environment(environment)
    assert environment["EPICS_CAS_INTF_ADDR_LIST"] == environment["EPICS_PVAS_INTF_ADDR_LIST"] == "127.0.0.1"
    assert environment["EPICS_CAS_AUTO_BEACON_ADDR_LIST"] == environment["EPICS_PVAS_AUTO_BEACON_ADDR_LIST"] == "NO"
    assert (environment["EPICS_CAS_SERVER_PORT"], environment["EPICS_PVAS_SERVER_PORT"]) == ("6064", "5075")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("opc.tcp://localhost", "write one of mqtt://HOST:1883, epics://127.0.0.1:5064/PREFIX:, tango://"),
        ("epics://127.0.0.1:70000", "Port out of range"),
        ("mqtt://localhost:70000", "Port out of range"),
        ("mqtt://operator:secret@localhost", "has more than scheme, host, port, path and options"),
        ("mqtt://localhost/ring", "the topics are fixed"),
        ("mqtt://:1883", "is not the address of a broker"),
        ("http://[::1", "is not an address: Invalid IPv6 URL"),
        ("epics://127.0.0.1/ÅNG:", "the prefix 'ÅNG:' has letters that no PV may have"),
        ("epics://127.0.0.1?pva_port=http", "pva_port = 'http' is not a port: use 1 to 65535"),
        ("epics://127.0.0.1?alarm=yes", "there is no option 'alarm'; it may have pva_port, alarms"),
        ("epics://127.0.0.1?alarms=1", "write alarms=yes or alarms=no"),
        (f"epics://127.0.0.1/{'A' * 60}", "at most 60; shorten the prefix"),
        ("tango://127.0.0.1:10000/kado/sim", "'kado/sim' is not the name of a device; write it like tango://"),
        ("http://127.0.0.1:8421/kado", "the paths are fixed"),
        ("http://someone@127.0.0.1", "has more than scheme, host, port, path and options"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_outlet(url, Machine(PROFILE, load_scenario("quiet_week")), lambda: START)
    assert message in str(raised.value)


@pytest.mark.parametrize(("url", "module", "extra"), [("epics://", "softioc", "epics"), ("tango://", "tango", "tango")])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str
) -> None:
    monkeypatch.setattr(
        "simulators.outlets.outlet.find_spec", lambda name: None if name == module else util.find_spec(name)
    )
    with pytest.raises(MissingExtraError) as raised:
        make_outlet(url, Machine(PROFILE, load_scenario("quiet_week")), lambda: START)
    assert f'{module}, which is not installed: pip install "kado[{extra}]"' in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_signal_called_like_a_pv_of_the_ioc_is_refused() -> None:
    called_link = PROFILE.signals[3].model_copy(update={"id": "link"})
    profile = PROFILE.model_copy(update={"signals": (*PROFILE.signals[:3], called_link)})

    class Plain(Machine):
        @property
        def signals(self) -> tuple[str, ...]:
            return tuple(s.id for s in self.profile.signals)

    with pytest.raises(KadoError, match="signal 'link' is called like a PV of the IOC itself, LINK: rename it"):
        make_outlet("epics://", Plain(profile, load_scenario("quiet_week")), lambda: START)


async def test_a_round_has_each_signal_once_and_the_order_stays() -> None:
    def numbers(signal: str, *times: int) -> Batch:
        return Batch.of_numbers("nanoterasu_sim", signal, [START + t * NS_PER_S for t in times], times)

    async def items() -> AsyncIterator[Batch | LinkReport]:
        yield Batch.concat([numbers("stored_current", 0, 1), numbers("beam_lifetime", 1), numbers("stored_current", 1)])
        yield LinkReport(START, "down")
        yield numbers("stored_current", 2)

    found = [
        item.state if isinstance(item, LinkReport) else [(s.signal, s.value) for s in item]
        async for item in rounds(items())
    ]
    assert found == [
        [("stored_current", 0.0)],
        [("stored_current", 1.0), ("beam_lifetime", 1.0)],
        [("stored_current", 1.0)],
        "down",
        [("stored_current", 2.0)],
    ]


@pytest.mark.parametrize("url", ["epics://0.0.0.0", "tango://0.0.0.0", "http://0.0.0.0"])
def test_who_opens_the_simulator_to_the_network_is_told(url: str) -> None:
    machine = Machine(PROFILE, load_scenario("quiet_week"))
    warning = "0.0.0.0 is open to the network: everybody there can read it, and inject faults"
    assert warning in make_outlet(url, machine, lambda: START).notes
    assert not any("open to the network" in n for n in make_outlet(url[:-7], machine, lambda: START).notes)


def test_every_way_out_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "test-your-archiver.md").read_text(encoding="utf-8")
    (help_of_live,) = get_args(simulate.__annotations__["live"])[1:]
    for scheme in ADDRESSES:
        assert f"kado simulate --live {scheme}://" in page
        assert f"{scheme}://" in help_of_live.help


def test_these_tests_leave_the_environment_alone() -> None:
    assert not any(name.startswith(("EPICS_CAS_", "EPICS_PVAS_")) for name in os.environ)
