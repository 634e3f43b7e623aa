"""What intake hands to landing: the part of a delivery that becomes samples, and the part that does not."""

from dataclasses import dataclass

from facility.batch import Batch
from facility.source import GapReport, Rejection


@dataclass(frozen=True, slots=True)
class FilePosition:
    """How far the import of a file has come, once the arrival that carries it is durable."""

    key: str
    """Stands for the file's content and for how it is read."""
    state: str
    """Written and read by the importer alone."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery after validation; landed in one transaction."""

    source: str
    """Id of the source that it is counted for."""
    batch: Batch | None
    """Samples to be stored; every one passed intake."""
    rejected: tuple[Rejection, ...] = ()
    """Counted and kept as dead letters."""
    gaps: tuple[GapReport, ...] = ()
    """Stretches in which samples may be missing for good."""
    position: FilePosition | None = None
    """Kept in the table ``import_file``, in the transaction of the samples it covers."""

    replaces: tuple[int, ...] = ()
    """Dead letters that were replayed into this; the transaction that lands it deletes them."""

    @property
    def samples(self) -> int:
        """How many samples are to be stored."""
        return 0 if self.batch is None else len(self.batch)
