"""Lines to InfluxDB: split where they are too many, taken apart where one of them is refused."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final, cast

from collector.delivery_policy import Action, Decision, DeliveryPolicy
from storage.influxdb.client import OUTSIDE_RETENTION, WriteAnswer

# After these the bucket may be another one when it can be written again.
_FORGET_AFTER: Final = (401, 403, 404)


@dataclass(frozen=True, slots=True)
class Interruption:
    """Why sending stopped before its end; what is known of the lines so far is kept for the next call."""

    decision: Decision
    answer: WriteAnswer


@dataclass(slots=True)
class Sent:
    """What became of lines that the server was asked to take; those not named here are stored."""

    refused: dict[int, str] = field(default_factory=dict[int, str])
    """Places of lines that it does not take although it takes others, with its words."""
    too_old: list[int] = field(default_factory=list[int])
    """Places of lines beyond the bucket's retention."""


_DROPPED: Final = re.compile(rf"dropped (\d{{1,9}}) points outside {OUTSIDE_RETENTION}")


_GOLDEN: Final = 0.6180339887498949
_PROBES: Final = 16
"""Single lines, from all over, that are tried before all lines count as refused for one reason."""


class _Fate(Enum):
    STORED = auto()
    TOO_OLD = auto()


def _dropped(answer: WriteAnswer) -> int:
    """Return how many points the server says that it dropped for their age; the others of that request are stored."""
    found = _DROPPED.search(answer.message)
    return int(found[1]) if found else 0


class Sender:
    """Sends lines in order, one request at a time.

    A line is called refused only if it is refused alone, and a canary (a line known to be good) passes just then.
    That takes requests; each call has a budget of them. When it is spent, sending is interrupted for a moment, and
    the next call with these lines goes on: what is known to be stored or refused is not sent again. Where nothing at
    all was stored by then, it is not the lines that are at fault but something that they share, which a person has to
    look at.

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
        self._known: dict[bytes, _Fate | str] = {}
        """What became of lines of a call that was interrupted; of a refused one, the server's words."""
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
        known = self._known
        places: Sequence[int] = range(len(lines))
        if known:
            places = [i for i in places if lines[i] not in known]
        # What is still to be sent, last first.
        starts = range(0, len(places), self.max_lines)
        todo: list[Sequence[int]] = [cast("Sequence[int]", places[i : i + self.max_lines]) for i in starts][::-1]
        stored: list[Sequence[int]] = []
        budget = self._budget + len(todo)
        while todo:
            part = todo.pop()
            answer = self._write(b"".join([lines[i] for i in part]))
            decision = self._policy.decide(answer, failures)
            budget -= 1
            if decision.action is Action.SETTLE:
                stored.append(part)
            elif decision.action in (Action.RETRY, Action.HOLD):
                return self._interrupted(Interruption(decision, answer), lines, stored)
            elif budget <= 0:
                self._remember(lines, stored)
                todo.append(part)
                return self._spent(lines, todo, answer)
            elif _dropped(answer) == len(part):
                known.update((lines[i], _Fate.TOO_OLD) for i in part)
            elif len(part) > 1:
                middle = len(part) // 2
                todo += [part[middle:], part[:middle]]
                if decision.action is Action.SPLIT:
                    self.max_lines = min(self.max_lines, len(part) - middle)
            elif (objection := self._try_canary(failures)) is not None:
                return self._interrupted(objection, lines, stored)
            else:
                known[lines[part[0]]] = answer.message
        return self._finished(lines)

    def _remember(self, lines: Sequence[bytes], stored: list[Sequence[int]]) -> None:
        self._known.update((lines[i], _Fate.STORED) for part in stored for i in part)

    def _finished(self, lines: Sequence[bytes]) -> Sent:
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

    def _spent(self, lines: Sequence[bytes], todo: list[Sequence[int]], answer: WriteAnswer) -> Interruption:
        """Interrupt sending because its budget is spent."""
        if all(isinstance(fate, str) for fate in self._known.values()) and not self._some_pass(lines, todo):
            return self._hold(answer, f"more points are refused than {self._budget} requests can tell apart")
        refused = sum(isinstance(fate, str) for fate in self._known.values())
        why = f"{refused} points are refused so far, and the search for further ones goes on"
        # The server answers well: there is nothing to be patient about.
        decision = Decision(Action.RETRY, self._policy.chance() * self._policy.retry_base_s)
        return Interruption(decision, replace(answer, message=f"{why}: {answer.message}"))

    def _some_pass(self, lines: Sequence[bytes], todo: list[Sequence[int]]) -> bool:
        """Whether the server takes some of these lines, none stored yet: the parts as they are, then single lines."""
        rest = [place for part in todo for place in part]
        # Spread by the golden ratio: equal steps could meet the same line of a pattern each time.
        singles = [[rest[int(i * _GOLDEN % 1.0 * len(rest))]] for i in range(_PROBES)]
        for part in [*todo[::-1], *singles]:
            answer = self._write(b"".join([lines[i] for i in part]))
            if self._policy.decide(answer, 0).action is Action.SETTLE:
                self._known.update((lines[i], _Fate.STORED) for i in part)
                return True
        return False

    def _try_canary(self, failures: int) -> Interruption | None:
        answer = self._write(self._canary())
        decision = self._policy.decide(answer, failures)
        if decision.action is Action.SETTLE:
            return None
        if decision.action in (Action.RETRY, Action.HOLD):
            return Interruption(decision, answer)
        return self._hold(answer, "even a line known to be good is refused")

    def _interrupted(self, why: Interruption, lines: Sequence[bytes], stored: list[Sequence[int]]) -> Interruption:
        if why.answer.status in _FORGET_AFTER:
            self._known.clear()
        else:
            self._remember(lines, stored)
        return why

    def _hold(self, answer: WriteAnswer, why: str) -> Interruption:
        answer = replace(answer, message=f"{why}: {answer.message}")
        return Interruption(self._policy.hold(answer), answer)
