"""Tango devices that send no events, archive events only, or errors, as the source `tango` reads them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conversation import Conversation
from made_up_profile import many_signals
from servers import free_port
from source_benches import TangoBench
from waiting import wait_for

pytest.importorskip("tango", reason='no pytango: pip install "kado[tango]"')


class OddBench(TangoBench):
    waits = True
    """Whether the device server keeps many events for a client that is slow."""

    def start_server(self) -> None:
        self.port = free_port()
        # What a busy machine takes later waits, so that every event arrives.
        own = {"TANGO_DS_EVENT_BUFFER_HWM": "100000"} if self.waits else {"TANGO_DS_EVENT_BUFFER_HWM": "10"}
        self.server = Conversation("odd_tango_device.py", str(self.port), environment=own)
        self.server.ask("set")

    def mapping(self, signal: str, **options: Any) -> dict[str, Any]:
        return {"attribute": f"kado/odd/1/{options.pop('named')}", "signal": signal, **options}


@pytest.fixture(scope="module")
def running() -> Iterator[OddBench]:
    bench = OddBench()
    bench.start_server()
    yield bench
    bench.close()


@pytest.fixture
def bench(running: OddBench) -> Iterator[OddBench]:
    yield running
    running.stop()


def ask(bench: OddBench, do: str, **arguments: Any) -> None:
    assert bench.server is not None
    bench.server.ask(do, **arguments)


def values(bench: OddBench, signal: str) -> list[Any]:
    return [value for _, value, _, _ in bench.samples(signal)]


def test_an_attribute_without_events_is_polled_and_one_with_archive_events_only_is_heard(bench: OddBench) -> None:
    bench.read(
        bench.mapping("stored_current", named="silent"),
        bench.mapping("beam_lifetime", named="archived"),
        poll_period_s=0.1,
    )
    bench.connected()
    ask(bench, "set", silent=12.5)
    wait_for(lambda: 12.5 in values(bench, "stored_current"))
    polled = len(values(bench, "stored_current"))
    for i in range(20):
        ask(bench, "push", name="archived", value=float(i + 1))
    wait_for(lambda: 20.0 in values(bench, "beam_lifetime"))
    assert values(bench, "beam_lifetime")[-20:] == [float(i + 1) for i in range(20)]
    wait_for(lambda: len(values(bench, "stored_current")) > polled + 3)
    assert set(values(bench, "stored_current")[polled:]) == {12.5}


def test_after_an_error_event_the_attribute_is_read_again_and_is_unknown_while_that_fails(bench: OddBench) -> None:
    ask(bench, "set", fails=False, broken=1.0)
    bench.read(bench.mapping("rf_voltage", named="broken"), bench.mapping("stored_current", named="silent"))
    bench.connected()
    wait_for(lambda: values(bench, "rf_voltage"))
    # Read again at once: the value of now, though no event told it.
    ask(bench, "set", broken=2.0)
    ask(bench, "push_error", name="broken")
    wait_for(lambda: 2.0 in values(bench, "rf_voltage"))
    assert 2.0 in values(bench, "rf_voltage")
    # And lost while it cannot be read, though the device is there.
    ask(bench, "set", fails=True)
    ask(bench, "push_error", name="broken")
    wait_for(lambda: bench.samples("rf_voltage")[-1][3] == "disconnected")
    assert bench.samples("rf_voltage")[-1][1:] == (None, "bad", "disconnected")
    assert bench.links[-1][1] == "up"
    ask(bench, "set", fails=False, broken=3.0)
    wait_for(lambda: 3.0 in values(bench, "rf_voltage"))
    assert bench.samples("rf_voltage")[-1][1:3] == (3.0, "good")


def test_arrays_and_attributes_that_do_not_exist_are_named_and_the_others_are_read(bench: OddBench) -> None:
    bench.read(
        bench.mapping("stored_current", named="silent"),
        bench.mapping("beam_lifetime", named="several"),
        bench.mapping("rf_voltage", named="nowhere"),
        poll_period_s=0.1,
    )
    bench.connected()
    wait_for(lambda: {"kado/odd/1/several", "kado/odd/1/nowhere"} <= {r[1] for r in bench.rejected})
    causes = {address: (cause, detail) for cause, address, detail, _ in bench.rejected}
    assert causes["kado/odd/1/several"][0] == "wrong_type"
    assert "array of 2" in causes["kado/odd/1/several"][1]
    assert "nowhere" in causes["kado/odd/1/nowhere"][1]
    assert values(bench, "stored_current")


def test_of_a_thousand_attributes_every_event_is_heard(bench: OddBench, tmp_path: Path) -> None:
    table = bench.table({"attribute": "kado/odd/1/n_{port}", "signal": "n_{port}", "ports": ["0000..0999"]})
    with Conversation("reading_source.py", many_signals(tmp_path, 1000)) as reader:
        reader.ask("start", table=table)

        def heard() -> list[list[Any]]:
            return [u["sample"] for u in reader.updates if "sample" in u]

        wait_for(lambda: len({s[0] for s in heard()}) == 1000)
        ask(bench, "push_all", rounds=3)

        def of_each() -> dict[str, list[float]]:
            own: dict[str, list[float]] = {}
            for signal, _, value, *_ in heard():
                own.setdefault(signal, []).append(value)
            return own

        # Each had a value of its own before.
        wait_for(lambda: all(len(own) >= 4 and own[-1] == 2.0 for own in of_each().values()))
        assert {name: own[-3:] for name, own in of_each().items() if own[-3:] != [0.0, 1.0, 2.0]} == {}
        assert reader.ask("stop") is None
    # The bench itself reads something, too, which it stops in the end.
    bench.read(bench.mapping("stored_current", named="silent"))
    bench.connected()


def test_events_that_the_server_dropped_are_a_counted_gap_and_the_attribute_is_read_again(tmp_path: Path) -> None:
    bench = OddBench()
    bench.waits = False
    bench.start_server()
    try:
        table = bench.table({"attribute": "kado/odd/1/n_{port}", "signal": "n_{port}", "ports": ["0000..0999"]})
        with Conversation("reading_source.py", many_signals(tmp_path, 1000)) as reader:
            reader.ask("start", table=table)
            wait_for(lambda: len({u["sample"][0] for u in reader.updates if "sample" in u}) == 1000)
            # So many that they fill every buffer on the way while nobody takes them.
            os.kill(reader.pid, signal.SIGSTOP)
            try:
                ask(bench, "push_all", rounds=60, pause_s=0.0)
            finally:
                os.kill(reader.pid, signal.SIGCONT)
            # The next event shows the library that some before it are missing.
            ask(bench, "push_all", rounds=1)

            def dropped() -> int:
                return sum(u["gap"][3] for u in reader.updates if "gap" in u and u["gap"][2] == "overflow")

            wait_for(dropped)
            assert reader.ask("stop") is None
    finally:
        bench.close()
