"""Thousands of PVs of a real IOC: nothing is merged and nothing is missed, which PVs that count prove."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from conversation import Conversation
from counting import CountingIoc
from facility.time import MAX_NS, MIN_NS, NS_PER_S
from made_up_profile import many_signals
from storage.embedded.store import EmbeddedStore
from waiting import wait_for

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
PVS = 5000


SAMPLED_S = float(os.environ.get("KADO_PV_SECONDS", "300"))
"""How much of an hour at 1 Hz the soak test reads; KADO_PV_SECONDS=3600 reads all of it. The hour is sampled and not
compressed: at a faster rate a server of Channel Access merges updates for a busy client."""


@pytest.fixture(scope="module")
def ioc() -> Iterator[CountingIoc]:
    ioc = CountingIoc(PVS, "1 second")
    yield ioc
    ioc.close()


def series_in(data_dir: Path) -> int:
    with closing(EmbeddedStore(data_dir, "nanoterasu_sim", read_only=True)) as store:
        return sum(one.signal.startswith("n_") for one in store.series())


def read_for(ioc: CountingIoc, kind: str, seconds: float, folder: Path) -> tuple[int, int]:
    """Store what the IOC says for so long; return PVs and samples, all of them consecutive."""
    data_dir = folder / "data"
    with Conversation("reading_source.py", many_signals(folder, PVS)) as reader:
        reader.ask("start", table=ioc.table(kind, PVS), data_dir=str(data_dir))
        wait_for(lambda: reader.ask("status")["connects"])
        # Those that a busy machine connects later, too.
        wait_for(lambda: series_in(data_dir) == PVS)
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
            # At the stamps of the IOC, a second apart, not when they happened to arrive.
            gaps = np.diff(samples.time_ns[samples.quality == 0])
            assert gaps.min() > 0
            assert abs(float(np.median(gaps)) - NS_PER_S) < NS_PER_S / 10
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
@pytest.mark.timeout(4000)
@pytest.mark.parametrize("kind", ["epics_ca", "epics_pva"])
def test_of_five_thousand_pvs_at_1_hz_every_number_is_stored_for_minutes(
    ioc: CountingIoc, kind: str, tmp_path: Path
) -> None:
    pvs, samples = read_for(ioc, kind, SAMPLED_S, tmp_path)
    print(f"{samples:,} samples of {pvs:,} PVs in {SAMPLED_S:.0f} s, all consecutive")
    assert pvs == PVS
    # The IOC's clock may be late by a part of a second each time, and the last second may not be whole.
    assert samples >= (SAMPLED_S * 0.98 - 2) * PVS
