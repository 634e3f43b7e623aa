"""Rows a second from a file into the embedded store: CSV, other forms, Parquet.

Usage: python benchmarks/bench_import.py [ROWS]
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from collector.files.importer import import_file
from collector.files.layout import Layout
from facility.profile import load_profile

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
REPEATS = 3
PROFILE = load_profile("nanoterasu")
ONE = Layout("stored_current", time_zone="Asia/Tokyo")


def files(folder: Path) -> Iterator[tuple[str, Path, Layout]]:
    """Write the same samples in each form."""
    stamps = 1_700_000_000_000_000_000 + np.arange(ROWS, dtype=np.int64) * 10**9
    values = (200 + np.random.default_rng(1).normal(0, 1, ROWS).round(4)).tolist()
    local = np.datetime_as_string(stamps.astype("datetime64[ns]").astype("datetime64[ms]")).tolist()
    seconds = (stamps // 10**9).tolist()
    forms = {
        "CSV": (
            "time,signal,value",
            [f"{t}Z,stored_current,{v}" for t, v in zip(local, values, strict=True)],
            Layout(),
        ),
        "CSV, epoch ms": ("time,value", [f"{s}000,{v}" for s, v in zip(seconds, values, strict=True)], ONE),
        "CSV, ';' and ','": (
            "time;value",
            [f"{t.replace('-', '/')};{v}".replace(".", ",") for t, v in zip(local, values, strict=True)],
            Layout("stored_current", time_zone="Asia/Tokyo", time_format="%Y/%m/%dT%H:%M:%S"),
        ),
        "Archiver CSV": (None, [f"{s},{v},0,0,0" for s, v in zip(seconds, values, strict=True)], ONE),
        "Archiver JSON": (
            '[{"meta": {"name": "I"}, "data": [',
            [
                f'{{"secs": {s}, "val": {v}, "nanos": 0, "severity": 0, "status": 0}},'
                for s, v in zip(seconds, values, strict=True)
            ],
            ONE,
        ),
    }
    for name, (head, lines, layout) in forms.items():
        path = folder / "f"
        with path.open("w") as file:
            file.write(f"{head}\n" if head else "")
            file.writelines(f"{line}\n" for line in lines)
            file.write("]}]\n" if name.endswith("JSON") else "")
        yield name, path, layout
    path = folder / "f.parquet"
    pq.write_table(pa.table({"time": pa.array(stamps).cast(pa.timestamp("ns", "UTC")), "value": values}), path)
    yield "Parquet", path, ONE


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for form, path, layout in files(folder):
            best = float("inf")
            for repeat in range(REPEATS):
                before = time.process_time()
                summary = import_file(path, layout, PROFILE, folder / f"{form}-{repeat}".replace("/", ""), "embedded")
                best = min(best, time.process_time() - before)
                assert summary.stored == ROWS, summary
            print(f"{form:18} {ROWS / best:12,.0f} rows a second of CPU")


if __name__ == "__main__":
    main()
