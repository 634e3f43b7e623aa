"""How often a log-in may be tried, by account and by address; pure, with the clock as an argument."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 900.0
"""Failures are counted over so long."""
PER_PAIR: Final = 5
"""Failures of one account from one address."""
PER_ADDRESS: Final = 20
"""Failures from one address, whatever the account."""
PER_ACCOUNT: Final = 50
"""Failures of one account from all addresses together."""
REMEMBERED: Final = 20_000
"""So many addresses and accounts are remembered at most; those that were quiet longest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that was reached."""

    what: str
    """``account and address``, ``address`` or ``account``."""
    wait_s: float
    """So long until the next attempt is looked at."""


class Attempts:
    """Failed log-ins of the last quarter of an hour.

    A refused attempt costs no hash, and is not counted: who waits can log in. Names are counted whether there is
    such an account or not.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str, str], deque[float]] = OrderedDict()

    def limit(self, account: str, address: str, now_s: float) -> Limit | None:
        """Return the limit that keeps an attempt from being looked at; None: it may be tried."""
        reached: list[Limit] = []
        for key, most in _keys(account, address).items():
            failures = self._failures.get(key)
            if failures is None:
                continue
            while failures and failures[0] <= now_s - WINDOW_S:
                failures.popleft()
            if not failures:
                del self._failures[key]
            elif len(failures) >= most:
                reached.append(Limit(key[0], failures[-most] + WINDOW_S - now_s))
        return max(reached, key=lambda limit: limit.wait_s, default=None)

    def failed(self, account: str, address: str, now_s: float) -> None:
        """Count an attempt that failed."""
        for key, most in _keys(account, address).items():
            failures = self._failures.setdefault(key, deque(maxlen=most))
            failures.append(now_s)
            self._failures.move_to_end(key)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of an account from an address, after it logged in from there."""
        self._failures.pop(("account and address", account.casefold(), address), None)

    def __len__(self) -> int:
        return len(self._failures)


def _keys(account: str, address: str) -> dict[tuple[str, str, str], int]:
    name = account.casefold()[:64]
    return {
        ("account and address", name, address): PER_PAIR,
        ("address", "", address): PER_ADDRESS,
        ("account", name, ""): PER_ACCOUNT,
    }
