"""Log-in: one password at a time is hashed, within the limits of attempts: guesses cannot take the processor."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from facility.accounts import Account
from kado.language import tr
from kado.page.access.account_book import AccountBook
from kado.page.access.attempts import Attempts
from kado.page.access.passwords import verify_password
from kado.page.access.sessions import Session, Sessions
from kado.page.access.visitor import RefusedError

_LOG: Final = logging.getLogger("kado.page.access")

WAITING: Final = 8
"""So many log-ins wait for the hash at most; one more is asked to come again."""


class LoggingIn:
    """Logs people in and out; used in the event loop of the page."""

    def __init__(self, sessions: Sessions, accounts: AccountBook) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._attempts = Attempts()
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="page passwords")
        self._waiting = 0
        self.hashed = 0
        """How many passwords were hashed so far."""

    async def log_in(self, name: str, password: str, address: str) -> str:
        """Return the cookie of a new session.

        Raises
        ------
        RefusedError
            401 if name and password do not fit, 429 after too many failures, 503 while too many others log in.
        """
        self._check_limit(name, address)
        if self._waiting >= WAITING:
            raise RefusedError(
                503,
                tr("Too many people log in at the moment: try again in a few seconds."),
                f"log-in of {name[:64]!r}: {self._waiting} others wait",
                retry_after_s=3,
            )
        accounts = await self._accounts.accounts()
        account = accounts.get(name)
        self._waiting += 1
        try:
            fits = await asyncio.get_running_loop().run_in_executor(self._hashing, self._verify, account, password)
        finally:
            self._waiting -= 1
        if not fits or account is None:
            self._attempts.failed(name, address, time.monotonic())
            raise RefusedError(401, tr("Name or password is wrong."), f"log-in of {name[:64]!r}: wrong")
        self._attempts.succeeded(name, address)
        _LOG.info("%s logged in from %s as %s", account.name, address, account.role.value)
        return self._sessions.begin(account, time.time())

    async def log_out(self, session: Session) -> None:
        """End a session."""
        await asyncio.to_thread(self._sessions.end, session, time.time())
        _LOG.info("%s logged out", session.name)

    def close(self) -> None:
        """End the thread that hashes."""
        self._hashing.shutdown(wait=False, cancel_futures=True)

    def _verify(self, account: Account | None, password: str) -> bool:
        self.hashed += 1
        return verify_password(None if account is None else account.password_hash, password)

    def _check_limit(self, name: str, address: str) -> None:
        limit = self._attempts.limit(name, address, time.monotonic())
        if limit is None:
            return
        minutes = max(1, round(limit.wait_s / 60))
        raise RefusedError(
            429,
            tr("Too many attempts failed: try again in {minutes} min.", minutes=minutes),
            f"log-in of {name[:64]!r}: too many failures by {limit.what}",
            retry_after_s=limit.wait_s,
        )
