"""What the page shows and takes, and to whom: checked before it listens, and shown by ``kado check``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from facility.accounts import Account, Role
from facility.errors import ConfigError
from facility.sentence import Sentence
from facility.time import Clock, system_clock
from kado.config import Configuration
from kado.journal import has_journal, open_people
from kado.language import tr, trn
from kado.page_settings import PageSettings


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who may read, who may write, and how the page is reached."""

    address: str
    readers: str
    writers: str
    warnings: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return all of it, for people."""
        return "; ".join([f"{self.address}: {self.readers}", self.writers, *self.warnings])


def load_accounts(configuration: Configuration, clock: Clock = system_clock) -> dict[str, Account]:
    """Return the accounts of the page, by name; none where there is no journal."""
    if not has_journal(configuration):
        return {}
    with open_people(configuration, clock) as people:
        return people.accounts()


def exposure_of(configuration: Configuration, settings: PageSettings, accounts: Mapping[str, Account]) -> Exposure:
    """Return what the page exposes.

    Raises
    ------
    ConfigError
        If it would listen beyond this machine without accounts, or would let passwords cross a network readable.
    """
    proxy = settings.proxy
    by_header = proxy is not None and proxy.user_header is not None
    if not settings.is_local:
        if not accounts and not by_header:
            raise ConfigError(
                Sentence(
                    "page.listen is {listen!r}: without accounts the page listens on loopback only; make "
                    "one with 'kado user add NAME --role manager', or name the proxy that checks users "
                    "in [page.proxy]",
                    listen=settings.listen,
                )
            )
        if not settings.is_encrypted and proxy is None and not settings.plain_http:
            raise ConfigError(
                Sentence(
                    "page.listen is {listen!r} without https: passwords would cross the network "
                    "readable; give certificate_file and key_file, or [page.proxy], or plain_http = true "
                    "on an isolated network",
                    listen=settings.listen,
                )
            )
    for name, file in (("certificate_file", settings.certificate_file), ("key_file", settings.key_file)):
        if file is not None:
            _readable(configuration.folder / file, f"page.{name}")
    return Exposure(
        f"{'https' if settings.is_encrypted else 'http'}://{settings.listen}/",
        _readers(settings, accounts, by_header=by_header),
        _writers(settings, accounts, by_header=by_header),
        tuple(_warnings(configuration, settings)),
    )


def check_exposure(configuration: Configuration, settings: PageSettings) -> str:
    """Return what the page exposes in a sentence; raises `ConfigError` as `exposure_of` does."""
    return exposure_of(configuration, settings, load_accounts(configuration)).sentence()


def _readable(path: Path, option: str) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise ConfigError(
            Sentence("{path} ({option}) cannot be read: {reason}", path=path, option=option, reason=error.strerror)
        ) from error


def _readers(settings: PageSettings, accounts: Mapping[str, Account], *, by_header: bool) -> str:
    if settings.public:
        return tr("everybody who can connect can read figures, record and alarms")
    if settings.is_local and settings.proxy is None:
        return tr("everybody on this machine can read figures, record and alarms")
    if by_header:
        return tr("readers: users that the proxy names, and users with an account")
    return trn("{n} person with an account reads", "{n} people with an account read", len(accounts))


def _writers(settings: PageSettings, accounts: Mapping[str, Account], *, by_header: bool) -> str:
    if not accounts and not by_header:
        return tr("nobody can write: there are no accounts (kado user add)")
    roles = [f"{n} {role.value}" for role in Role if (n := sum(a.role is role for a in accounts.values()))]
    listed = ", ".join(roles) or tr("none")
    if by_header and settings.proxy is not None and settings.proxy.default_role is not None:
        return tr(
            "accounts: {accounts}; other users that the proxy names have the role {role}",
            accounts=listed,
            role=settings.proxy.default_role,
        )
    return tr("accounts: {accounts}", accounts=listed)


def _warnings(configuration: Configuration, settings: PageSettings) -> list[str]:
    found: list[str] = []
    if settings.plain_http and not settings.is_local and not settings.is_encrypted:
        found.append(tr("warning: passwords are sent over the network without encryption (plain_http)"))
    if settings.proxy is not None and settings.proxy.user_header and settings.is_local:
        found.append(tr("warning: every program on this machine can act as the proxy"))
    if settings.key_file is not None:
        path = configuration.folder / settings.key_file
        if path.stat().st_mode & 0o077:
            found.append(tr("warning: {path} can be read by others: run chmod 600 {path}", path=path))
    return found
