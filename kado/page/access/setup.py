"""Puts the access control of the page together."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from kado.config import Configuration
from kado.page.access.account_book import AccountBook
from kado.page.access.logging_in import LoggingIn
from kado.page.access.sessions import Sessions
from kado.page_settings import PageSettings


@dataclass(frozen=True, slots=True)
class Access:
    """What decides who may do what."""

    settings: PageSettings
    sessions: Sessions
    accounts: AccountBook
    logging_in: LoggingIn


def set_up_access(configuration: Configuration, settings: PageSettings) -> Access:
    """Return the access control; raises `DiskError` if the secret of sessions cannot be kept."""
    configuration.data_dir.mkdir(parents=True, exist_ok=True)
    sessions = Sessions(configuration.data_dir, settings.session_h * 3600)
    accounts = AccountBook(configuration)
    return Access(settings, sessions, accounts, LoggingIn(sessions, accounts))


def access_of(connection: HTTPConnection) -> Access:
    """Return the access control of the page that a request came to."""
    return connection.app.state.access
