"""Passwords of accounts: hashed with argon2id, never kept or logged."""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from facility.errors import AccountError
from facility.sentence import Sentence
from kado.service.accounts import NO_PASSWORD

SHORTEST: Final = 10
LONGEST: Final = 256
"""Characters; a longer one would only cost time."""
_HASHER: Final = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)
"""As OWASP recommends for one lane: 46 MiB, some 50 ms."""


def check_password(password: str, name: str = "") -> str:
    """Return a password that may be used.

    Raises
    ------
    AccountError
        If it is too short or too long, or is the account's name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(
            Sentence(
                "the password has {n} characters: choose one with {least} to {most}",
                n=len(password),
                least=SHORTEST,
                most=LONGEST,
            )
        )
    if password.casefold().strip() == name.casefold():
        raise AccountError(Sentence("the password is the name of the account: choose another one"))
    if len(set(password)) < 4:
        raise AccountError(Sentence("the password consists of fewer than 4 different characters: choose another one"))
    return password


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with salt and parameters."""
    return _HASHER.hash(password)


_NOBODYS: Final = hash_password("nobody's password")


def verify_password(hashed: str | None, password: str) -> bool:
    """Whether a password fits a hash; takes as long for an account that there is not (None)."""
    known = hashed is not None and hashed != NO_PASSWORD
    try:
        _HASHER.verify(hashed if known and hashed is not None else _NOBODYS, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return known
