"""What is older than it has to be kept goes from sealed files too."""

from storage.columns import FIRST_INT64, Columns
from storage.embedded.archive import manifest
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.sealing import read_files
from storage.embedded.archive.swap import FileSwap
from storage.embedded.row_checksums import add_entries, entries_between, negative
from storage.embedded.row_reading import row_times
from storage.telemetry_db.counters import Entry, count


def delete_sealed(swap: FileSwap, series_id: int, signal: str, before_ns: int) -> int:
    """Delete what sealed files hold before an instant, with the rows that lie over it; return how many samples.

    Files go as a whole; one that the instant cuts is sealed again without what was before it. Each file is one
    transaction with its count in the ledger.
    """
    files = manifest.files_between(swap.connection, series_id, FIRST_INT64, before_ns)
    return sum(_delete_from(swap, series_id, signal, file, before_ns) for file in files)


def _delete_from(swap: FileSwap, series_id: int, signal: str, file: SealedFile, before_ns: int) -> int:
    end_ns = min(before_ns, file.last_ns + 1)
    content: Columns | None = None
    above = len(row_times(swap.connection, series_id, file.first_ns, end_ns))
    if end_ns <= file.last_ns or above:
        content = read_files(swap.place, [file])
    gone = file.samples if content is None else len(content.between(file.first_ns, end_ns))
    deleted = gone

    def account() -> None:
        nonlocal deleted
        rows = row_times(swap.connection, series_id, file.first_ns, end_ns)
        if len(rows):
            held = content if content is not None else read_files(swap.place, [file])
            deleted = gone + len(rows) - int(held.found_in(rows).sum())
            gone_rows = entries_between(swap.connection, series_id, file.first_ns, end_ns)
            add_entries(swap.connection, [negative(gone_rows)])
            swap.connection.execute(
                "DELETE FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?",
                (series_id, file.first_ns, end_ns),
            )
        count(swap.connection, {("", signal, Entry.DELETED, ""): deleted})

    left = Columns.empty() if content is None else content.between(end_ns, file.last_ns + 1)
    swap.replace(series_id, signal, [file], left, account)
    return deleted
