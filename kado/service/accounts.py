"""Records accounts of the page in the journal."""

from collections.abc import Sequence
from typing import Final

from facility.accounts import Account, AccountAction, AccountChange, Role, check_name, no_account
from kado.config import Configuration
from kado.journal import has_journal, open_people

NO_PASSWORD: Final = "none"
"""Stands in place of a hash where an account is used through a proxy alone; no password fits it."""


def add_account(configuration: Configuration, name: str, role: Role, hashed: str, author: str) -> Account:
    """Make an account; raises `AccountError` if there is one of that name."""
    change = AccountChange(0, check_name(name), AccountAction.ADDED, author, 0, role, hashed)
    return _changed(configuration, change)


def change_role(configuration: Configuration, name: str, role: Role, author: str) -> Account:
    """Give an account another role; its sessions end."""
    return _changed(configuration, AccountChange(0, name, AccountAction.ROLE, author, 0, role))


def change_password(configuration: Configuration, name: str, hashed: str, author: str) -> Account:
    """Give an account another password; its sessions end."""
    return _changed(configuration, AccountChange(0, name, AccountAction.PASSWORD, author, 0, None, hashed))


def remove_account(configuration: Configuration, name: str, author: str) -> None:
    """Remove an account; its sessions end, and what it recorded stays."""
    with open_people(configuration) as people:
        people.change_account(AccountChange(0, name, AccountAction.REMOVED, author, 0))


def account_named(configuration: Configuration, name: str) -> Account:
    """Return an account.

    Raises
    ------
    AccountError
        If there is none of that name.
    """
    with open_people(configuration) as people:
        accounts = people.accounts()
    if name not in accounts:
        raise no_account(name, accounts)
    return accounts[name]


def all_accounts(configuration: Configuration) -> Sequence[Account]:
    """Return the accounts in order of creation."""
    if not has_journal(configuration):
        return ()
    with open_people(configuration) as people:
        return tuple(people.accounts().values())


def _changed(configuration: Configuration, change: AccountChange) -> Account:
    with open_people(configuration) as people:
        people.change_account(change)
        return people.accounts()[change.name]
