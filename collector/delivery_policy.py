"""What to do after a write to InfluxDB: pure decisions on its answer."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from collector.backoff import full_jitter_s
from storage.influxdb.client import NO_CONTENT, WriteAnswer


class Action(StrEnum):
    """What comes next."""

    SETTLE = "settle"
    """All of it is stored."""
    RETRY = "retry"
    """The server cannot take it now, or it is not known whether it did: send the same again later, without limit."""
    HOLD = "hold"
    """Operator action is needed: the same again, at long intervals, with the problem in the status."""
    SPLIT = "split"
    """Too much at once: the same in smaller parts."""
    SUSPECT = "suspect"
    """Some point in it is refused: find out which."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next."""

    action: Action
    pause_s: float = 0.0
    """How long to wait before it; only for `Action.RETRY` and `Action.HOLD`."""


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How patient we are; every wait is drawn at random, so that many collectors do not return at one instant."""

    chance: Callable[[], float]
    """Returns a number in ``[0, 1)``."""
    retry_base_s: float = 0.5
    """Upper bound of the first wait before a retry; it doubles with each failure in a row (full jitter)."""
    retry_cap_s: float = 60.0
    """Upper bound of all of them."""
    hold_s: float = 30.0
    """Middle of the wait where operator action is needed."""
    max_retry_after_s: float = 3600.0
    """The longest wait that a server may ask for."""

    def decide(self, answer: WriteAnswer, failures: int) -> Decision:
        """Decide what follows from an answer, after so many `failures` in a row before it."""
        status = answer.status
        if status == NO_CONTENT:
            return Decision(Action.SETTLE)
        # What no InfluxDB answers to a write, such as the 200 of a proxy's log-in page: whatever it is, it may pass.
        if status is None or status < 400 or status in (408, 429) or status >= 500:
            wait_s = full_jitter_s(self.chance, self.retry_base_s, self.retry_cap_s, failures)
            return Decision(Action.RETRY, max(wait_s, self._asked_s(answer)))
        if status == 413:
            return Decision(Action.SPLIT)
        if status in (400, 422):
            return Decision(Action.SUSPECT)
        # 401, 403, 404, 405 ...
        return self.hold(answer)

    def hold(self, answer: WriteAnswer) -> Decision:
        """Wait for a person, whatever the status."""
        return Decision(Action.HOLD, max((0.5 + self.chance()) * self.hold_s, self._asked_s(answer)))

    def _asked_s(self, answer: WriteAnswer) -> float:
        return min(answer.retry_after_s or 0.0, self.max_retry_after_s)
