"""One channel is lost while its source stays: from when it was heard last it is unknown, and the link is up."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from conversation import Conversation
from facility.time import NS_PER_S, system_clock
from servers import free_port
from source_benches import CaBench, PvaBench
from waiting import wait_for

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')

SHUTTER, CURRENT = "shutter_01", "stored_current"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def ends(bench: Any, signal: str) -> list[tuple[int, Any, str, str | None]]:
    return [s for s in bench.samples(signal, initial=True) if s[3] == "disconnected"]


def test_a_pv_that_its_server_takes_away_is_unknown_and_the_others_are_heard_on(stack: ExitStack) -> None:
    bench = PvaBench()
    stack.callback(bench.close)
    port = free_port()
    server = stack.enter_context(Conversation("removable_pvs.py", str(port)))
    for name, value in (("SHUTTER", 1.0), ("CURRENT", 200.0)):
        server.ask("say", name=name, time_ns=system_clock(), value=value)
    table = bench.table(
        {"pv": "SHUTTER", "signal": SHUTTER, "words": {"1": "open", "0": "closed"}},
        {"pv": "CURRENT", "signal": CURRENT},
        name_servers=[f"127.0.0.1:{port}"],
    )
    bench.reader.ask("start", table=table)
    bench.connected()
    wait_for(lambda: bench.samples(SHUTTER, initial=True) and bench.samples(CURRENT, initial=True))
    time.sleep(1)
    removed = system_clock()
    server.ask("remove", name="SHUTTER")
    wait_for(lambda: ends(bench, SHUTTER))
    ((time_ns, value, quality, _),) = ends(bench, SHUTTER)
    assert (value, quality) == (None, "bad")
    # Since it was heard last nobody saw it.
    assert bench.links[0][0] - NS_PER_S <= time_ns <= removed
    said = system_clock()
    server.ask("say", name="CURRENT", time_ns=said, value=201.0)
    wait_for(lambda: (said, 201.0, "good", None) in bench.samples(CURRENT))
    assert (said, 201.0, "good", None) in bench.samples(CURRENT)
    assert not ends(bench, CURRENT)
    assert {state for _, state, _ in bench.links} == {"up"}
    # And back again: what it says then holds from then on, though it was measured before.
    server.ask("say", name="SHUTTER", time_ns=removed - 3600 * NS_PER_S, value=0.0)
    wait_for(lambda: bench.samples(SHUTTER, initial=True)[-1][3] == "initial" and len(bench.updates) > 4)
    back = bench.samples(SHUTTER, initial=True)[-1]
    assert (back[1:], back[0] > time_ns) == (("closed", "good", "initial"), True)


class OtherIoc(CaBench):
    """A second IOC, whose PVs have a prefix of their own."""

    def url(self) -> str:
        return super().url().replace("?", "/OTHER:?")

    def mapping(self, signal: str, **options: Any) -> dict[str, Any]:
        return {"pv": f"OTHER:{signal.upper()}", "signal": signal, **options}


def test_of_two_iocs_of_a_source_one_is_killed_and_its_pvs_alone_are_unknown(stack: ExitStack) -> None:
    bench, other = CaBench(), OtherIoc()
    for one in (bench, other):
        stack.callback(one.close)
        one.start_server()
    at = system_clock()
    bench.let_out((CURRENT, at, 200.0, "good"))
    other.let_out((SHUTTER, at, "open", "good"))
    addresses = [f"127.0.0.1:{bench.ca_port}", f"127.0.0.1:{other.ca_port}"]
    bench.reader.ask("start", table=bench.table(bench.mapping(CURRENT), other.mapping(SHUTTER), addresses=addresses))
    bench.connected()
    wait_for(lambda: bench.samples(SHUTTER, initial=True) and bench.samples(CURRENT, initial=True))
    killed = system_clock()
    other.kill_server()
    wait_for(lambda: ends(bench, SHUTTER))
    ((time_ns, value, quality, _),) = ends(bench, SHUTTER)
    assert (value, quality) == (None, "bad")
    assert at < time_ns <= killed
    said = system_clock()
    bench.let_out((CURRENT, said, 201.0, "good"))
    wait_for(lambda: (said, 201.0, "good", None) in bench.samples(CURRENT))
    assert not ends(bench, CURRENT)
    assert {state for _, state, _ in bench.links} == {"up"}
    other.start_server()
    again = system_clock()
    other.let_out((SHUTTER, again, "closed", "good"))
    # Until it is written to, an IOC that has just started shows an undefined value, of bad quality.
    wait_for(lambda: bench.samples(SHUTTER, initial=True)[-1][1:3] == ("closed", "good"))
