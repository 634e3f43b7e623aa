"""What an import shows: how far it is, and at its end what became of every row."""

from dataclasses import dataclass

from collector.causes import Cause


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rows rejected for one cause."""

    cause: Cause
    count: int
    first: tuple[int, ...]
    """Line (CSV) or row (Parquet) of the first few of them."""
    text: str = ""
    """What the first of them holds that cannot be read."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import has come."""

    done: int
    total: int
    """Bytes of a CSV file, rows of a Parquet file, as is `done`."""
    rows: int
    rejected: int
    last_number: int = 0
    """Line or row up to which all is stored."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of all rows of a file, those of an interrupted earlier run included."""

    file: str
    row_word: str
    """What row numbers count: ``line`` or ``row``."""
    read: int
    """Rows."""
    stored: int
    """Samples; with InfluxDB: landed, to be forwarded."""
    rewritten: int
    """The part of `stored` that replaced a sample of the same signal and time. A block during which an earlier
    run was killed is left out; the ledger has it."""
    conflicts: int
    """The part of `rewritten` that said something different from what was there."""
    doubted: int
    """The part of `stored` whose time cannot be true, in the future or before operation began: kept as uncertain."""
    rejected: tuple[RejectedRows, ...]
    """Most frequent cause first."""
    first_ns: int | None
    """Earliest stamp stored."""
    last_ns: int | None
    """Latest stamp stored."""
    resumed_after: int | None = None
    """Line or row after which an interrupted import was continued."""
    finished_before_ns: int | None = None
    """When this very file was imported before; nothing was done this time."""
    form: str = ""
    """What the file was recognised as."""
    notes: tuple[str, ...] = ()
    """What was assumed."""
    advice: str | None = None
    """What to do where not one row could be stored."""

    @property
    def rejected_rows(self) -> int:
        """Rows rejected, for whatever cause."""
        return sum(rows.count for rows in self.rejected)
