"""Lines to InfluxDB: split where they are too many, taken apart where one of them is refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from collector.delivery_policy import Action, Decision, DeliveryPolicy
from storage.influxdb.client import OUTSIDE_RETENTION, WriteAnswer


@dataclass(frozen=True, slots=True)
class Interruption:
    """Why sending stopped before its end; all of it has to be sent again."""

    decision: Decision
    answer: WriteAnswer


@dataclass(slots=True)
class Sent:
    """What became of lines that the server was asked to take; those not named here are stored."""

    refused: dict[int, str] = field(default_factory=dict[int, str])
    """Places of lines that it does not take although it takes others, with its words."""
    too_old: list[int] = field(default_factory=list[int])
    """Places of lines beyond the bucket's retention."""


class Sender:
    """Sends lines in order, one request at a time.

    A line is called refused only if it is refused alone, and a canary (a line known to be good) passes just then.
    Where that takes more requests than the budget allows, it is not the lines that are at fault but something
    that they share, which a person has to look at.

    Parameters
    ----------
    write
        Makes one request.
    policy
        Decides on its answer.
    canary
        Makes a line that the server must take, if it takes any.
    max_lines
        In one request.
    budget
        Requests for one call of `send`, beyond one for each `max_lines`.
    """

    def __init__(
        self,
        write: Callable[[bytes], WriteAnswer],
        policy: DeliveryPolicy,
        canary: Callable[[], bytes],
        *,
        max_lines: int = 20_000,
        budget: int = 256,
    ) -> None:
        self._write = write
        self._policy = policy
        self._canary = canary
        self._budget = budget
        self.max_lines = max_lines
        """Smaller from then on where the server says 413."""

    def send(self, lines: Sequence[bytes], failures: int) -> Sent | Interruption:
        """Send lines, each with its newline; stop at the first answer that asks for patience.

        Parameters
        ----------
        lines
            In their order.
        failures
            How many times in a row sending was interrupted before this one.
        """
        sent = Sent()
        # What is still to be sent, last first.
        todo = [(i, min(i + self.max_lines, len(lines))) for i in range(0, len(lines), self.max_lines)][::-1]
        budget = self._budget + len(todo)
        while todo:
            start, end = todo.pop()
            answer = self._write(b"".join(lines[start:end]))
            decision = self._policy.decide(answer, failures)
            budget -= 1
            if decision.action is Action.SETTLE:
                continue
            if decision.action in (Action.RETRY, Action.HOLD):
                return Interruption(decision, answer)
            if budget <= 0:
                return self._hold(answer, f"more points are refused than {self._budget} requests can tell apart")
            if end - start > 1:
                middle = (start + end) // 2
                todo += [(middle, end), (start, middle)]
                if decision.action is Action.SPLIT:
                    self.max_lines = min(self.max_lines, end - middle)
            elif OUTSIDE_RETENTION in answer.message:
                sent.too_old.append(start)
            elif (objection := self._try_canary(failures)) is not None:
                return objection
            else:
                sent.refused[start] = answer.message
        return sent

    def _try_canary(self, failures: int) -> Interruption | None:
        answer = self._write(self._canary())
        decision = self._policy.decide(answer, failures)
        if decision.action is Action.SETTLE:
            return None
        if decision.action in (Action.RETRY, Action.HOLD):
            return Interruption(decision, answer)
        return self._hold(answer, "even a line known to be good is refused")

    def _hold(self, answer: WriteAnswer, why: str) -> Interruption:
        answer = replace(answer, message=f"{why}: {answer.message}")
        return Interruption(self._policy.hold(answer), answer)
