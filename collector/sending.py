"""Sends lines to InfluxDB: smaller requests where one is too large, and single lines where some are refused."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final, cast

from collector.delivery_policy import Action, Decision, DeliveryPolicy
from storage.influxdb.client import OUTSIDE_RETENTION, WriteAnswer

_DROPPED: Final = re.compile(rf"dropped (\d{{1,9}}) points outside {OUTSIDE_RETENTION}")
_BUCKET_MAY_CHANGE: Final = (401, 403, 404)
"""After these answers an operator acts, and the bucket may be another one when it can be written again."""
_PROBES: Final = 16
"""Single lines, from all over, that are tried before all lines count as refused for one reason."""
_GOLDEN_RATIO: Final = 0.6180339887498949

Places = Sequence[int]
"""Indices of lines of one call, sent in one request."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """Sending stopped before its end; what is known of the lines so far is kept for the next call."""

    decision: Decision
    answer: WriteAnswer


@dataclass(slots=True)
class Sent:
    """The result of one call; lines that are not named here are stored."""

    refused: dict[int, str] = field(default_factory=dict[int, str])
    """Places of lines that the server refuses although it takes others, with its message."""
    too_old: list[int] = field(default_factory=list[int])
    """Places of lines beyond the bucket's retention."""


class _Fate(Enum):
    STORED = auto()
    TOO_OLD = auto()


class Sender:
    """Sends lines in order, one request at a time.

    A line counts as refused only if it is refused alone, and a canary (a line known to be good) passes just then.
    Finding it takes requests; each call has a budget of them. When the budget is spent, sending is interrupted for a
    moment, and the next call with these lines goes on: a line known to be stored or refused is not sent again. Where
    no line was stored by then, the cause is not in the lines but in something that they share, and operator action
    is needed.

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
        Requests for one call of `send`, beyond one for each `max_lines`; canaries are not counted.
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
        self._known: dict[bytes, _Fate | str] = {}
        """The fate of lines of an interrupted call; of a refused line, the server's message."""
        self.max_lines = max_lines
        """Smaller from then on where the server says 413."""

    def send(self, lines: Sequence[bytes], failures: int) -> Sent | Interruption:
        """Send lines, each with its newline; stop at the first answer that asks to wait.

        Parameters
        ----------
        lines
            In their order.
        failures
            How many times in a row sending was interrupted before this one.
        """
        # The last one is sent next.
        waiting = self._requests(lines)
        stored: list[Places] = []
        budget = self._budget + len(waiting)
        while waiting:
            part = waiting.pop()
            answer = self._write(b"".join([lines[i] for i in part]))
            decision = self._policy.decide(answer, failures)
            budget -= 1
            if decision.action is Action.SETTLE:
                stored.append(part)
            elif decision.action in (Action.RETRY, Action.HOLD):
                return self._interrupted(Interruption(decision, answer), lines, stored)
            elif budget <= 0:
                self._remember_stored(lines, stored)
                return self._budget_spent(lines, [*waiting, part], answer)
            elif _dropped(answer) == len(part):
                self._known.update((lines[i], _Fate.TOO_OLD) for i in part)
            elif len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
                if decision.action is Action.SPLIT:
                    self.max_lines = min(self.max_lines, len(part) - middle)
            elif (trouble := self._try_canary(failures)) is not None:
                return self._interrupted(trouble, lines, stored)
            else:
                self._known[lines[part[0]]] = answer.message
        return self._result(lines)

    def _requests(self, lines: Sequence[bytes]) -> list[Places]:
        """Return the lines whose fate is not known, cut into requests, the first one last."""
        places: Places = range(len(lines))
        if self._known:
            places = [i for i in places if lines[i] not in self._known]
        starts = range(0, len(places), self.max_lines)
        return [cast("Places", places[i : i + self.max_lines]) for i in starts][::-1]

    def _remember_stored(self, lines: Sequence[bytes], stored: list[Places]) -> None:
        self._known.update((lines[i], _Fate.STORED) for part in stored for i in part)

    def _result(self, lines: Sequence[bytes]) -> Sent:
        """Return the fate of all lines, and forget it."""
        sent = Sent()
        if any(fate is not _Fate.STORED for fate in self._known.values()):
            for place, line in enumerate(lines):
                fate = self._known.get(line)
                if fate is _Fate.TOO_OLD:
                    sent.too_old.append(place)
                elif isinstance(fate, str):
                    sent.refused[place] = fate
        self._known.clear()
        return sent

    def _budget_spent(self, lines: Sequence[bytes], waiting: list[Places], answer: WriteAnswer) -> Interruption:
        """Interrupt sending: for a moment, or for an operator where the server took no line at all."""
        all_refused = all(isinstance(fate, str) for fate in self._known.values())
        if all_refused and not self._some_pass(lines, waiting):
            return self._hold(answer, f"more points are refused than {self._budget} requests can tell apart")
        refused = sum(isinstance(fate, str) for fate in self._known.values())
        why = f"{refused} points are refused so far, and the search for further ones goes on"
        # The server answers well: no need for longer and longer waits.
        decision = Decision(Action.RETRY, self._policy.chance() * self._policy.retry_base_s)
        return Interruption(decision, replace(answer, message=f"{why}: {answer.message}"))

    def _some_pass(self, lines: Sequence[bytes], waiting: list[Places]) -> bool:
        """Whether the server takes some of these lines, none stored yet: in the requests as they are, or alone."""
        rest = [place for part in waiting for place in part]
        # Spread by the golden ratio: equal steps could meet the same line of a pattern each time.
        singles = [[rest[int(i * _GOLDEN_RATIO % 1.0 * len(rest))]] for i in range(_PROBES)]
        for part in [*waiting[::-1], *singles]:
            answer = self._write(b"".join([lines[i] for i in part]))
            if self._policy.decide(answer, 0).action is Action.SETTLE:
                self._remember_stored(lines, [part])
                return True
        return False

    def _try_canary(self, failures: int) -> Interruption | None:
        """Return why a line known to be good is not taken either; None if it is taken."""
        answer = self._write(self._canary())
        decision = self._policy.decide(answer, failures)
        if decision.action is Action.SETTLE:
            return None
        if decision.action in (Action.RETRY, Action.HOLD):
            return Interruption(decision, answer)
        return self._hold(answer, "even a line known to be good is refused")

    def _interrupted(self, why: Interruption, lines: Sequence[bytes], stored: list[Places]) -> Interruption:
        if why.answer.status in _BUCKET_MAY_CHANGE:
            self._known.clear()
        else:
            self._remember_stored(lines, stored)
        return why

    def _hold(self, answer: WriteAnswer, why: str) -> Interruption:
        answer = replace(answer, message=f"{why}: {answer.message}")
        return Interruption(self._policy.hold(answer), answer)


def _dropped(answer: WriteAnswer) -> int:
    """Return how many points the server dropped for their age, by its message; it stored the others of the request."""
    found = _DROPPED.search(answer.message)
    return int(found[1]) if found else 0
