"""How landing stands, and what bounds it."""

from dataclasses import dataclass, field
from enum import StrEnum

from storage.telemetry_db.dead_letters import DeadLetterLimits


class LandingState(StrEnum):
    """Whether arrivals become durable."""

    OPEN = "open"
    FULL = "full"
    """As many bytes are used as may be; sources wait."""
    FAILING = "failing"
    """The disk does not take what is written; sources wait, and it is tried again."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LandingLimits:
    """What bounds the landing."""

    max_bytes: int = 16 * 1024**3
    """Used in ``telemetry.db`` when sources begin to wait; one transaction may pass it."""
    max_transaction_samples: int = 200_000
    """Of queued arrivals, so many samples at most go into one transaction; the rest waits for the next."""
    retry_s: float = 1.0
    """Between two attempts while full or failing."""
    dead_letters: DeadLetterLimits = field(default_factory=DeadLetterLimits)


@dataclass(frozen=True, slots=True)
class LandingStatus:
    """How landing stands; up to a second old."""

    state: LandingState
    problem: str
    """Why it does not land, for people; empty while it does."""
    failures: int
    """Attempts that failed since it was opened."""
    commits: int
    """The number of the last commit, counted since the file was made."""
    queued_samples: int
    """Handed over and not yet durable."""
    waiting_samples: int
    """Durable, and to be forwarded to InfluxDB; 0 with the embedded store."""
    waiting_bytes: int
    oldest_waiting_ns: int | None
    """When the oldest of these landed, UTC ns."""
    used_bytes: int
    max_bytes: int

    @property
    def fill(self) -> float:
        """How much of `max_bytes` is used; 1 is full."""
        return self.used_bytes / self.max_bytes
