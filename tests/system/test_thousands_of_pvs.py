"""Thousands of PVs of a real IOC: nothing is merged and nothing is missed, which PVs that count prove."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conversation import Conversation
from counting import CountingIoc
from facility.time import MAX_NS, MIN_NS, NS_PER_S
from made_up_profile import many_signals
from source_benches import wait_for
from storage.embedded.store import EmbeddedStore

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
PVS = 5000


TIMES_FASTER = 2
"""So much faster than 1 Hz the IOC counts in the compressed hour: every 0.5 s, a scan rate of EPICS. A server merges
updates for a client of Channel Access that is too slow, so it is no faster than a busy machine reads."""
HOUR = 3600
"""Numbers of each PV."""


@pytest.fixture(scope="module")
def ioc() -> Iterator[CountingIoc]:
    ioc = CountingIoc(PVS, "1 second")
    yield ioc
    ioc.close()


def read_for(ioc: CountingIoc, kind: str, seconds: float, folder: Path, each_ns: int = NS_PER_S) -> tuple[int, int]:
    """Store what the IOC says for so long; return PVs and samples, all of them consecutive."""
    data_dir = folder / "data"
    with Conversation("reading_source.py", many_signals(folder, PVS)) as reader:
        reader.ask("start", table=ioc.table(kind, PVS), data_dir=str(data_dir))
        wait_for(lambda: reader.ask("status")["connects"], 60)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(0.5)
            assert reader.ask("status")["failed"] is None
        taken, _ = reader.ask("cost")
        assert reader.ask("status") == {"state": "up", "error": "", "connects": 1, "failed": None}
        reader.ask("stop")
    store = EmbeddedStore(data_dir, "nanoterasu_sim", read_only=True)
    try:
        series = [s for s in store.series() if s.signal.startswith("n_")]
        found = stored = 0
        for one in series:
            samples = store.read(one.signal, MIN_NS, MAX_NS)
            counted = samples.value[samples.quality == 0]
            assert len(counted) >= 2, one
            assert np.all(np.diff(counted) == 1), (one.signal, counted)
            # At the stamps of the IOC, a period apart, not when they happened to arrive.
            gaps = np.diff(samples.time_ns[samples.quality == 0])
            assert gaps.min() > 0
            assert abs(float(np.median(gaps)) - each_ns) < each_ns / 10
            found += len(counted)
            stored += len(samples)
        # What the source counted is in the store.
        assert stored >= taken
        return len(series), found
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["epics_ca", "epics_pva"])
def test_of_five_thousand_pvs_at_1_hz_every_number_is_stored(ioc: CountingIoc, kind: str, tmp_path: Path) -> None:
    pvs, samples = read_for(ioc, kind, 4.0, tmp_path)
    assert pvs == PVS
    assert samples >= 3 * PVS


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["epics_ca", "epics_pva"])
def test_of_an_hour_of_five_thousand_pvs_at_1_hz_every_number_is_stored(kind: str, tmp_path: Path) -> None:
    """The hour is compressed: as many numbers of as many PVs, `TIMES_FASTER` times as fast, in half the time."""
    ioc = CountingIoc(PVS, f"{1 / TIMES_FASTER:g} second".removeprefix("0"))
    try:
        seconds = HOUR / TIMES_FASTER + 5
        pvs, samples = read_for(ioc, kind, seconds, tmp_path, each_ns=NS_PER_S // TIMES_FASTER)
    finally:
        ioc.close()
    print(f"{samples:,} samples of {pvs:,} PVs in {seconds:.0f} s, all consecutive")
    assert pvs == PVS
    assert samples >= HOUR * PVS
