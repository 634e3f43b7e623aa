"""An import that is killed goes on where its last transaction ended: nothing twice, nothing left out."""

import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from collector.files.importer import import_file
from collector.files.layout import Layout
from collector.ledger import read_ledger, verify_ledger
from facility.profile import load_profile
from facility.time import MAX_NS
from storage.embedded.store import EmbeddedStore

ROWS = 20_000
START_NS = 1_735_689_600 * 10**9

# Says when a block is durable, so that the test can kill it while the next ones are on their way.
CHILD = """
import sys
from pathlib import Path
from collector.files import csv_file, parquet_file
from collector.files.importer import import_file
from collector.files.layout import Layout
from facility.profile import load_profile

csv_file.BLOCK_BYTES, parquet_file.PIECE_ROWS = 8000, 200
path, data_dir = map(Path, sys.argv[1:])
import_file(path, Layout(), load_profile("nanoterasu"), data_dir, "embedded",
            progress=lambda p: print(p.rows, flush=True))
"""


def write(path: Path) -> None:
    times = START_NS + np.arange(ROWS) * 10**9
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {"time": times, "signal": ["stored_current"] * ROWS, "value": np.arange(ROWS, dtype=float)}
        pq.write_table(pa.table(columns), path, row_group_size=3000)
    else:
        path.write_text(
            "time,signal,value\n" + "".join(f"{t},stored_current,{n}\n" for n, t in enumerate(times.tolist()))
        )


@pytest.mark.parametrize("name", ["f.csv", "f.parquet"])
def test_an_import_killed_three_times_stores_every_row_once(tmp_path: Path, name: str) -> None:
    random = Random(name)
    path, data_dir = tmp_path / name, tmp_path / "data"
    write(path)
    reached = 0
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(data_dir)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(random.randint(3, 20)):
            said = int(child.stdout.readline())
            assert said > reached, "it went back"
            reached = said
        child.kill()
        child.wait()
        rest = child.stdout.read().split()
        reached = int(rest[-1]) if rest else reached
        child.stdout.close()
    assert 0 < reached < ROWS

    profile = load_profile("nanoterasu")
    summary = import_file(path, Layout(), profile, data_dir, "embedded")
    assert summary.resumed_after is not None
    assert summary.resumed_after >= reached
    assert (summary.read, summary.stored, summary.rewritten) == (ROWS, ROWS, 0)
    store = EmbeddedStore(data_dir, profile.id)
    try:
        samples = store.read("stored_current", 0, MAX_NS)
        np.testing.assert_array_equal(samples.time_ns, START_NS + np.arange(ROWS) * 10**9)
        np.testing.assert_array_equal(samples.value, np.arange(ROWS, dtype=float))
        ledger = read_ledger(data_dir)
        assert verify_ledger(ledger, store) == []
        assert [s.received for s in ledger.sources() if s.source == "import"] == [ROWS]
    finally:
        store.close()
