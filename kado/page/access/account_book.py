"""The accounts as they are now, read again when the journal changes."""

import asyncio
import time
from typing import Final

from facility.accounts import Account
from kado.config import Configuration
from kado.queries.page_exposure import load_accounts
from storage.data_dir import DataDir

LATELY_S: Final = 1.0


class AccountBook:
    """Accounts by name; used in the event loop of the page."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._accounts: dict[str, Account] = {}
        self._looks_like: object = None
        self._lock = asyncio.Lock()
        self._looked_s = float("-inf")

    async def accounts(self) -> dict[str, Account]:
        """Return the accounts as they are at this request: who was removed or added a moment ago is so already."""
        async with self._lock:
            await asyncio.to_thread(self._look)
        return self._accounts

    async def accounts_lately(self) -> dict[str, Account]:
        """Return the accounts as they were within `LATELY_S`: one look for many who ask again and again."""
        if time.monotonic() - self._looked_s < LATELY_S:
            return self._accounts
        return await self.accounts()

    def _look(self) -> None:
        looks_like = _looks(self._configuration)
        if looks_like != self._looks_like or looks_like is None:
            self._accounts = load_accounts(self._configuration)
            self._looks_like = looks_like
        self._looked_s = time.monotonic()


def _looks(configuration: Configuration) -> object:
    """Return what changes with every write to the journal; None while there is none."""
    journal = DataDir(configuration.data_dir).journal
    found: list[tuple[int, int, int]] = []
    for path in (journal, journal.with_name(journal.name + "-wal")):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(found) or None
