"""What maintenance of a store did or found: the values, whichever store it is."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""Takes how many bytes are done, and the total."""
SignalProgress = Callable[[int, int, str], None]
"""Takes how many signals are done, the total, and the name of the next one."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing or merging did."""

    files: int = 0
    """Files that were written."""
    samples: int = 0
    """Samples in them."""
    bytes: int = 0
    """Their size, without that of their minutes."""
    rows_deleted: int = 0
    """Rows that are in sealed files now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem."""

    file: str
    """Its full name."""
    what: str
    remedy: str
    rollup_of: int | None = None
    """The manifest's number of a sealed file whose samples are right and whose minutes are wrong."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Sealed files that were checked."""

    findings: tuple[Finding, ...]
    files: int
    """Sealed files, those of minutes not counted."""
    samples: int
    """In them."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Downsampled:
    """What was aggregated to minutes."""

    signals: int
    days: int
    """Days of signals that were aggregated."""
    minutes: int
    waiting: int
    """Days that were written to a moment ago, and have to wait."""
