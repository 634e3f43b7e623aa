"""Simulated history as files that ``kado import`` reads."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from collector.files.arrow import csv, pa, parquet
from facility.batch import NO_WORD, Batch
from facility.quality import QUALITY_WORDS
from facility.schedule_csv import write_schedule
from kado.language import tr
from kado.progress import progress_bar
from simulators.machine import Machine

FileFormat = Literal["parquet", "csv"]


def export_history(machine: Machine, start_ns: int, end_ns: int, folder: Path, kind: FileFormat) -> list[Path]:
    """Write numbers, states and the calendar of ``[start_ns, end_ns)``; return the files.

    Numbers and states have a file each, columns ``time,signal,value,quality``, because a column has one type.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers = {name: _Writer(folder / f"{name}.{kind}", kind) for name in ("numbers", "states")}
    written = 0
    with progress_bar(tr("simulating"), end_ns - start_ns) as bar:
        try:
            for batch in machine.history(start_ns, end_ns):
                is_state = batch.state != NO_WORD
                writers["numbers"].write(batch.take(~is_state), states=False)
                writers["states"].write(batch.take(is_state), states=True)
                written += len(batch)
                bar.advance_to(int(batch.time_ns[-1]) - start_ns, f"{written:,} samples")
        finally:
            for writer in writers.values():
                writer.close()
    schedule = folder / "schedule.csv"
    schedule.write_text(write_schedule(machine.schedule(start_ns, end_ns)), encoding="utf-8")
    return [*(writer.path for writer in writers.values() if writer.path.exists()), schedule]


class _Writer:
    """One file, made with its first rows."""

    def __init__(self, path: Path, kind: FileFormat) -> None:
        self.path = path
        self._kind = kind
        self._open: Any = None

    def write(self, batch: Batch, *, states: bool) -> None:
        if not len(batch):
            return
        table = _table(batch, states=states)
        if self._open is None:
            make = parquet.ParquetWriter if self._kind == "parquet" else csv.CSVWriter
            self._open = make(str(self.path), table.schema)
        self._open.write_table(table)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()


def _table(batch: Batch, *, states: bool) -> Any:
    def words(names: tuple[str, ...], codes: Any) -> Any:
        return pa.array(np.array(names, dtype=object)[codes], pa.string())

    value = words(batch.words, batch.state) if states else pa.array(batch.value, from_pandas=True)
    columns = {
        "time": pa.array(batch.time_ns).cast(pa.timestamp("ns", "UTC")),
        "signal": words(batch.signals, batch.signal),
        "value": value,
        "quality": words(QUALITY_WORDS, batch.quality),
    }
    return pa.table(columns)
