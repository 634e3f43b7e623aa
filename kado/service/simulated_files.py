"""Simulated history as files that ``kado import`` reads."""

from pathlib import Path
from typing import Final

from facility.batch import NO_WORD
from facility.schedule_csv import write_schedule
from kado.language import tr
from kado.progress import progress_bar
from kado.service.sample_files import FileFormat, SampleFile
from simulators.machine import Machine

_COLUMNS: Final = ("time", "signal", "value", "quality")


def export_history(machine: Machine, start_ns: int, end_ns: int, folder: Path, kind: FileFormat) -> list[Path]:
    """Write numbers, states and the calendar of ``[start_ns, end_ns)``; return the files.

    Numbers and states have a file each, columns ``time,signal,value,quality``, because a column has one type.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writers = {name: SampleFile(folder / f"{name}.{kind}", kind, columns=_COLUMNS) for name in ("numbers", "states")}
    written = 0
    with progress_bar(tr("simulating"), end_ns - start_ns) as bar:
        try:
            for batch in machine.history(start_ns, end_ns):
                is_state = batch.state != NO_WORD
                writers["numbers"].write(batch.take(~is_state), is_state=False)
                writers["states"].write(batch.take(is_state), is_state=True)
                written += len(batch)
                bar.advance_to(int(batch.time_ns[-1]) - start_ns, f"{written:,} samples")
        finally:
            for writer in writers.values():
                writer.close()
    schedule = folder / "schedule.csv"
    schedule.write_text(write_schedule(machine.schedule(start_ns, end_ns)), encoding="utf-8")
    return [*(writer.path for writer in writers.values() if writer.path.exists()), schedule]
