"""Sessions: a signed cookie that names an account, expires, and ends with the account, its password or a log-out."""

import json
import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

from facility.accounts import Account
from facility.errors import DiskError
from facility.sentence import Sentence
from storage.data_dir import PRIVATE, open_private

COOKIE: Final = "kado_session"
_SALT: Final = "kado page session"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """What a cookie says."""

    name: str
    revision: int
    """The account's at log-in: a later change of password or role ends the session."""
    began_s: float
    """Seconds since 1970."""
    id: str


class Sessions:
    """Makes and reads session cookies; any thread may ask.

    The secret is 32 random bytes in ``page.secret`` of the data directory, for its owner alone, so sessions outlive a
    restart. Sessions that people ended are written to ``page.ended`` until they would have expired.
    """

    def __init__(self, folder: Path, length_s: float) -> None:
        self._ended_path = folder / "page.ended"
        self._signer = URLSafeSerializer(_secret(folder / "page.secret"), _SALT)
        self._lock = threading.Lock()
        self.length_s = length_s
        self._ended: dict[str, float] = _read_ended(self._ended_path)

    def begin(self, account: Account, now_s: float) -> str:
        """Return the cookie of a new session."""
        return self._signer.dumps([account.name, account.revision, now_s, secrets.token_urlsafe(12)])  # pyright: ignore[reportUnknownMemberType]  # itsdangerous has no types

    def read(self, cookie: str) -> Session | None:
        """Return what a cookie says; None if kado did not make it."""
        try:
            content: Any = self._signer.loads(cookie)  # pyright: ignore[reportUnknownMemberType]  # itsdangerous has no types
            name, revision, began_s, id_ = content
            return Session(str(name), int(revision), float(began_s), str(id_))
        except (BadData, ValueError, TypeError):
            return None

    def problem(self, session: Session, account: Account | None, now_s: float) -> str | None:
        """Return why a session no longer holds; None while it does."""
        if session.id in self._ended:
            return "logged out"
        if not 0 <= now_s - session.began_s < self.length_s:
            return "expired"
        if account is None:
            return "account removed"
        if account.revision != session.revision:
            return "account changed"
        return None

    def end(self, session: Session, now_s: float) -> None:
        """End a session before it expires; blocks for a write to the disk."""
        with self._lock:
            self._ended = {id_: until for id_, until in self._ended.items() if until > now_s}
            self._ended[session.id] = session.began_s + self.length_s
            part = self._ended_path.with_suffix(".part")
            with suppress(OSError):
                with open(part, "w", encoding="utf-8", opener=open_private) as file:
                    json.dump(self._ended, file)
                part.replace(self._ended_path)


def _secret(path: Path) -> bytes:
    """Return the secret, made at the first start."""
    for _ in range(2):
        with suppress(OSError):
            found = path.read_bytes()
            if len(found) >= _SECRET_BYTES:
                path.chmod(PRIVATE)
                return found
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            with open(part, "wb", opener=open_private) as file:
                file.write(secrets.token_bytes(_SECRET_BYTES))
            part.replace(path)
        except OSError as error:
            raise DiskError(
                Sentence(
                    "{path}, which signs sessions of the page, cannot be written: {reason}",
                    path=path,
                    reason=error.strerror,
                )
            ) from error
    return path.read_bytes()


def _read_ended(path: Path) -> dict[str, float]:
    try:
        return {str(id_): float(until) for id_, until in json.loads(path.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
