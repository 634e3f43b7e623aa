"""Accounts of the page: who may do what."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from facility.errors import AccountError
from facility.sentence import Sentence
from facility.written_text import check_line

NAME: Final = re.compile(r"[\w.@+-]{1,64}")
"""What the name of an account may be: letters of any script, digits, few marks; nothing that breaks logs or markup."""


class Role(StrEnum):
    """What a person may do; each role includes those before it."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Also corrects the record, records incidents, and hands over the shift."""
    ENGINEER = "engineer"
    """Also withdraws corrections and incidents, and injects faults into simulators."""
    MANAGER = "manager"
    """Also confirms exclusions and issues reports."""


class Permission(StrEnum):
    """One kind of action."""

    READ = "read"
    CORRECT = "correct"
    HAND_OVER = "hand over"
    ACT = "act on alarms"
    WITHDRAW = "withdraw"
    INJECT = "inject"
    CONFIRM = "confirm"
    ISSUE = "issue reports"


_LEAST: Final = {
    Permission.READ: Role.VIEWER,
    Permission.CORRECT: Role.OPERATOR,
    Permission.HAND_OVER: Role.OPERATOR,
    Permission.ACT: Role.OPERATOR,
    Permission.WITHDRAW: Role.ENGINEER,
    Permission.INJECT: Role.ENGINEER,
    Permission.CONFIRM: Role.MANAGER,
    Permission.ISSUE: Role.MANAGER,
}


def least_role(permission: Permission) -> Role:
    """Return the lowest role that has a permission."""
    return _LEAST[permission]


def may(role: Role | None, permission: Permission) -> bool:
    """Whether a role has a permission; None: a visitor without an account, who has none."""
    order = list(Role)
    return role is not None and order.index(role) >= order.index(_LEAST[permission])


class AccountAction(StrEnum):
    """What happened to an account."""

    ADDED = "added"
    ROLE = "role"
    PASSWORD = "password"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class AccountChange:
    """One row of the record of accounts; nothing in it is changed or deleted."""

    id: int
    """Given by the journal; 0 before it is recorded."""
    name: str
    action: AccountAction
    author: str
    """Who made the change."""
    recorded_at_ns: int
    role: Role | None = None
    """Of `AccountAction.ADDED` and `AccountAction.ROLE`."""
    password_hash: str | None = None
    """Argon2id, of `AccountAction.ADDED` and `AccountAction.PASSWORD`."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands."""

    name: str
    role: Role
    password_hash: str
    revision: int
    """Id of its last change; a session that began before it is stale."""
    created_at_ns: int
    changed_at_ns: int
    author: str
    """Who made the last change."""


def accounts_of(changes: Iterable[AccountChange]) -> dict[str, Account]:
    """Return the accounts that there are after all changes, by name, in order of creation."""
    found: dict[str, Account] = {}
    for c in changes:
        before = found.get(c.name)
        if c.action is AccountAction.REMOVED:
            found.pop(c.name, None)
            continue
        role = c.role if c.role is not None else None if before is None else before.role
        hashed = c.password_hash or ("" if before is None else before.password_hash)
        if role is None or not hashed:
            continue
        created = c.recorded_at_ns if before is None else before.created_at_ns
        found[c.name] = Account(c.name, role, hashed, c.id, created, c.recorded_at_ns, c.author)
    return found


def check_name(name: str) -> str:
    """Return the name of an account.

    Raises
    ------
    AccountError
        If it is empty, too long, or holds spaces or marks such as quotes and slashes.
    """
    if not NAME.fullmatch(name):
        raise AccountError(
            Sentence(
                "{name!r} cannot be the name of an account: use 1 to 64 letters, digits, '.', '-', '_' or '@', no"
                " spaces",
                name=name,
            )
        )
    return name


def no_account(name: str, accounts: Iterable[str]) -> AccountError:
    """Return the error of a name that no account has."""
    if known := ", ".join(accounts):
        return AccountError(Sentence("there is no account {name!r}; accounts: {known}", name=name, known=known))
    return AccountError(Sentence("there is no account {name!r}; accounts: none", name=name))


def check_change(new: AccountChange, accounts: dict[str, Account]) -> None:
    """Refuse a change that does not fit the accounts that there are.

    Raises
    ------
    AccountError
        If the account is there already, or is missing.
    """
    check_name(new.name)
    check_line(Sentence("the author's name"), new.author, AccountError)
    if new.action is AccountAction.ADDED:
        alike = next((name for name in accounts if name.casefold() == new.name.casefold()), None)
        if alike is not None:
            raise AccountError(
                Sentence(
                    "there is an account {name!r} already: choose another name, or remove that one first", name=alike
                )
            )
    elif new.name not in accounts:
        raise no_account(new.name, accounts)
