"""An IOC that hangs keeps its connections: a PV that should change all the time tells. And PVs that are no signals."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conversation import Conversation
from counting import CountingIoc
from facility.time import NS_PER_S, system_clock
from made_up_profile import many_signals
from waiting import wait_for

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
TIMEOUT_S = 3.0


@pytest.fixture(scope="module")
def ioc() -> Iterator[CountingIoc]:
    ioc = CountingIoc(2, ".5 second")
    yield ioc
    ioc.close()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Conversation]:
    with Conversation("reading_source.py", many_signals(tmp_path, 2)) as reader:
        yield reader


def links(reader: Conversation) -> list[tuple[int, str, str | None]]:
    return [(u["link"][1], u["link"][2], u["link"][4]) for u in reader.updates if "link" in u]


def numbers(reader: Conversation) -> list[Any]:
    return [u["sample"][2] for u in reader.updates if "sample" in u and u["sample"][0] == "n_0001"]


@pytest.mark.parametrize("kind", ["epics_ca", "epics_pva"])
def test_an_ioc_that_hangs_is_a_link_that_is_down_since_its_last_beat_and_up_again_when_it_goes_on(
    kind: str, ioc: CountingIoc, reader: Conversation
) -> None:
    counted = {"pv": "C:N_0001", "signal": "n_0001"}
    table = ioc.table(kind, 2) | {"signal": [counted], "heartbeat": "C:N_0000", "heartbeat_timeout_s": TIMEOUT_S}
    reader.ask("start", table=table)
    wait_for(lambda: len(numbers(reader)) > 3)
    assert {state for _, state, _ in links(reader)} == {"up"}
    ioc.hang()
    hung = system_clock()
    wait_for(lambda: links(reader)[-1][1] == "down")
    time_ns, _, reason = links(reader)[-1]
    assert reason == "heartbeat"
    assert hung - 2 * NS_PER_S <= time_ns <= hung + NS_PER_S
    # The connection itself was never lost.
    assert reader.ask("status")["connects"] == 1
    ioc.go_on()
    wait_for(lambda: links(reader)[-1][1] == "up")
    # On a busy machine the pause can be so long that the library closes the connection: then it is a new one.
    assert links(reader)[-1][2] == ("heartbeat" if reader.ask("status")["connects"] == 1 else None)
    heard = len(numbers(reader))
    wait_for(lambda: len(numbers(reader)) > heard + 2)
    assert len(numbers(reader)) > heard + 2
    assert reader.ask("stop") is None


@pytest.mark.parametrize("signal", ["n_0000", "machine_mode"])
@pytest.mark.parametrize("kind", ["epics_ca", "epics_pva"])
def test_an_array_is_rejected_by_name_and_the_others_are_read(
    kind: str, signal: str, ioc: CountingIoc, reader: Conversation
) -> None:
    table = ioc.table(kind, 2)
    mapped = [{"pv": "C:WAVE", "signal": signal}, {"pv": "C:N_0001", "signal": "n_0001"}]
    reader.ask("start", table=table | {"signal": mapped})
    wait_for(lambda: len(numbers(reader)) > 2 and any("rejected" in u for u in reader.updates))
    rejected = [u["rejected"] for u in reader.updates if "rejected" in u]
    # For a state it is a word that the profile does not have.
    wanted = {"n_0000": ("wrong_type", "C:WAVE"), "machine_mode": ("unknown_state", "machine_mode")}[signal]
    assert {(cause, address) for cause, address, _, _ in rejected} == {wanted}
    assert "array of 3" in rejected[0][2]
    assert len(numbers(reader)) > 2
    time.sleep(0.2)
    assert not [u for u in reader.updates if "sample" in u and u["sample"][0] == signal]
    assert reader.ask("stop") is None
