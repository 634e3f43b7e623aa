"""What the alarms of EPICS records say about the quality of a sample."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from facility.batch import UInt8
from facility.quality import Quality

SEVERITIES: Final = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")
STATUSES: Final = (
    "NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE", "COS", "COMM", "TIMEOUT", "HW_LIMIT", "CALC",
    "SCAN", "LINK", "SOFT", "BAD_SUB", "UDF", "DISABLE", "SIMM", "READ_ACCESS", "WRITE_ACCESS",
)  # fmt: skip
"""alarm.h of EPICS base, in the order of their numbers."""
QUALITY: Final = (Quality.GOOD, Quality.UNCERTAIN, Quality.UNCERTAIN, Quality.BAD)
"""By severity: a value beyond an alarm limit was measured all the same; INVALID means that it was not."""


def quality_of(severity: Sequence[int]) -> UInt8:
    """Return the quality of each sample; a severity that EPICS does not have is bad."""
    codes = np.array(severity, np.int64)
    known = (codes >= 0) & (codes < len(QUALITY))
    return np.where(known, np.array(QUALITY, np.uint8)[np.where(known, codes, 0)], Quality.BAD).astype(np.uint8)


def reason_of(severity: int, status: str) -> str | None:
    """Return severity and status as EPICS names them, such as ``INVALID COMM``; None where there is no alarm."""
    if severity == 0:
        return None
    name = SEVERITIES[severity] if 0 < severity < len(SEVERITIES) else f"severity {severity}"
    return f"{name} {status}".rstrip()


def status_name(status: int) -> str:
    """Return what EPICS calls a status of Channel Access."""
    return STATUSES[status] if 0 <= status < len(STATUSES) else f"status {status}"
