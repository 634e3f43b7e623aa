"""What a target answered to a message."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one attempt."""

    taken: bool
    problem: str = ""
    """What went wrong, for the log; may not hold a secret."""
    retryable: bool = True
    """False: a person has to act; it is tried again all the same, after the longest wait."""
    retry_after_s: float | None = None
    """How long the target asks to wait."""


TAKEN = Delivery(taken=True)


class Sender(Protocol):
    """Sends what is due to one target; used by one thread."""

    def step(self, now_ns: int) -> Delivery | None:
        """Send what is due now, at most one message; None: nothing is due."""
        ...
