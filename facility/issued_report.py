"""A report that was issued: what was stated, by whom, and from what."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class IssuedReport:
    """One edition of the report of a period by a definition; kept for good."""

    facility: str
    period: str
    """Its id: ``2026-10``, ``FY2026``."""
    start_ns: int
    end_ns: int
    definition: str
    edition: int
    """1 is the first issue, later ones are revisions."""
    author: str
    recorded_at_ns: int
    """When it was issued."""
    known_on_ns: int
    """Up to when the record was taken into account."""
    figures_digest: str
    """SHA-256 of the figures in `document`; two editions that state the same have the same."""
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    """As ``kado report --format json`` gave it."""
