"""The state of an import: counted while it runs, saved with each block, read when it is continued."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Self

import numpy as np

from collector.causes import Cause
from collector.files.summary import RejectedRows
from facility.batch import Batch
from facility.quality import REASON_CLOCK, REASON_TOO_EARLY

LISTED_ROWS = 10
"""Rejected rows of a cause whose numbers are kept."""


@dataclass(slots=True)
class ImportState:
    """How far an import has come, and its counts up to there."""

    position: int = 0
    last_number: int = 0
    """Line or row before `position`."""
    finished_ns: int | None = None
    """When the end of the file was reached."""
    read: int = 0
    stored: int = 0
    rewritten: int = 0
    conflicts: int = 0
    doubted: int = 0
    """The part of `stored` whose stamp cannot be true."""
    first_ns: int | None = None
    last_ns: int | None = None
    last_stamp_ns: int | None = None
    """UTC offset of the last row: in an hour that occurs twice, it decides in which of the two the next row is."""
    rejected: dict[Cause, RejectedRows] = field(default_factory=dict[Cause, RejectedRows])

    def store(self, batch: Batch | None) -> None:
        """Count samples that are to be stored."""
        if batch is None or not len(batch):
            return
        self.stored += len(batch)
        codes = [batch.words.index(reason) for reason in (REASON_CLOCK, REASON_TOO_EARLY) if reason in batch.words]
        self.doubted += int(np.isin(batch.reason, codes).sum()) if codes else 0
        first, last = int(batch.time_ns.min()), int(batch.time_ns.max())
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)

    def reject(self, cause: Cause, numbers: Sequence[int], text: str = "") -> None:
        """Count rejected rows, given their lines or row numbers in order, and what the first of them holds."""
        before = self.rejected.get(cause, RejectedRows(cause, 0, (), text))
        first = (*before.first, *numbers[:LISTED_ROWS])[:LISTED_ROWS]
        self.rejected[cause] = RejectedRows(cause, before.count + len(numbers), first, before.text or text)

    def reject_samples(self, cause: Cause, samples: int, text: str) -> None:
        """Count samples that were read without a fault and that the intake rejects."""
        before = self.rejected.get(cause, RejectedRows(cause, 0, (), text))
        self.rejected[cause] = RejectedRows(cause, before.count + samples, before.first, before.text or text)

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self) | {"rejected": [asdict(rows) for rows in self.rejected.values()]})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        saved = json.loads(text)
        rejected = [
            RejectedRows(Cause(r["cause"]), r["count"], tuple(r["first"]), r.get("text", ""))
            for r in saved.pop("rejected")
        ]
        return cls(**saved, rejected={rows.cause: rows for rows in rejected})
