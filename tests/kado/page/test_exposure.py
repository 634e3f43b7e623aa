"""`kado check` says what the page exposes; what would be unsafe is not served."""

from pathlib import Path
from typing import Any

import pytest

from facility.accounts import Account, Role
from facility.errors import ConfigError
from kado.config import Configuration, load_configuration
from kado.page_settings import PageSettings, ProxySettings
from kado.queries.page_exposure import exposure_of

ACCOUNTS = {
    name: Account(name, role, "hash", 1, 0, 0, "root")
    for name, role in (("sato", Role.OPERATOR), ("kato", Role.OPERATOR), ("mori", Role.MANAGER))
}
PROXY = ProxySettings(addresses=("10.0.0.1",), user_header="X-Remote-User")


@pytest.fixture
def configuration(folder: Path) -> Configuration:
    return load_configuration(folder / "kado.toml")


def test_on_loopback_without_accounts_it_reads_and_nothing_else(configuration: Configuration) -> None:
    assert exposure_of(configuration, PageSettings(), {}).sentence() == (
        "http://127.0.0.1:8420/: everybody on this machine can read figures, record and alarms;"
        " nobody can write: there are no accounts (kado user add)"
    )


def test_it_counts_the_accounts_by_role(configuration: Configuration) -> None:
    found = exposure_of(configuration, PageSettings(), ACCOUNTS)
    assert found.writers == "accounts: 2 operator, 1 manager"


@pytest.mark.parametrize(
    ("settings", "accounts", "why"),
    [
        ({"listen": "0.0.0.0:1"}, {}, "without accounts the page listens on loopback only"),
        ({"listen": "0.0.0.0:1", "public": True}, {}, "without accounts the page listens on loopback only"),
        ({"listen": "10.0.0.5:1"}, ACCOUNTS, "passwords would cross the network readable"),
        ({"listen": "0.0.0.0:1", "certificate_file": Path("no.pem"), "key_file": Path("no.key")}, ACCOUNTS, "no.pem"),
        ({"listen": "0.0.0.0:1", "proxy": ProxySettings(addresses=("10.0.0.1",))}, {}, "without accounts"),
    ],
)
def test_what_would_be_unsafe_is_not_served(
    configuration: Configuration, settings: dict[str, Any], accounts: dict[str, Account], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        exposure_of(configuration, PageSettings(**settings), accounts)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"listen": "0.0.0.0:1", "plain_http": True},
            "warning: passwords are sent over the network without",
        ),
        ({"listen": "0.0.0.0:1", "proxy": PROXY}, "readers: users that the proxy names"),
        ({"proxy": PROXY}, "warning: every program on this machine can act as the proxy"),
        ({"listen": "0.0.0.0:1", "proxy": PROXY, "public": True}, "everybody who can connect can read"),
    ],
)
def test_it_says_to_whom(configuration: Configuration, settings: dict[str, Any], says: str) -> None:
    assert says in exposure_of(configuration, PageSettings(**settings), ACCOUNTS).sentence()


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('certificate_file = "a.pem"', "both certificate_file and key_file"),
        ('proxy = { addresses = ["nginx"] }', "no address and no network"),
        ('proxy = { addresses = ["10.0.0.1"], user_header = "X User" }', "user_header"),
        ('hosts = ["https://kado.example.org"]', "hosts"),
        ("session_h = 0", "session_h"),
        ("pubic = true", "did you mean 'public'"),
    ],
)
def test_options_are_checked_strictly(folder: Path, table: str, why: str) -> None:
    path = folder / "kado.toml"
    path.write_text(path.read_text() + f"\n[page]\n{table}\n")
    with pytest.raises(ConfigError, match=why):
        load_configuration(path)
