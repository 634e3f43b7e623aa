"""``kado user``: accounts of the page."""

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from facility.accounts import Account, Role, check_name
from facility.errors import AccountError, ConfigError, MissingExtraError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import format_time
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr
from kado.output import local, print_json, show, table, title
from kado.queries.identity import identity
from kado.service.accounts import (
    NO_PASSWORD,
    account_named,
    add_account,
    all_accounts,
    change_password,
    change_role,
    remove_account,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account, without spaces.")]


AuthorOption = Annotated[str | None, typer.Option("--author", help="Who makes the change; default: your login name.")]


PasswordFileOption = Annotated[
    Path | None,
    typer.Option("--password-file", help="File with the password alone, - for stdin; default: it is asked for."),
]


def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option("--role", help="What the person may do; see below.")],
    password_file: PasswordFileOption = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For people whom a reverse proxy names; nobody can log in with it.")
    ] = False,
    author: AuthorOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Make an account of the page.

    A viewer reads. An operator also corrects the record and hands over the shift. An engineer also withdraws, and
    injects faults into simulators. A manager also confirms exclusions and issues reports. The password is asked for,
    or read from a file; it never stands on the command line. The journal keeps its argon2id hash.

    \b
    Example:
      kado user add sato --role operator
    """
    configuration = load_configuration(config)
    if no_password and password_file is not None:
        raise AccountError(Sentence("--no-password and --password-file exclude each other: choose one"))
    check_name(name)
    if any(a.name.casefold() == name.casefold() for a in all_accounts(configuration)):
        raise AccountError(
            Sentence("there is an account {name!r} already: choose another name, or remove that one first", name=name)
        )
    hashed = NO_PASSWORD if no_password else _hash(_password(password_file, name), name)
    made = add_account(configuration, name, role, hashed, _author(author))
    _show(configuration.profile, [made], output)


def passwd(
    name: NameArgument,
    password_file: PasswordFileOption = None,
    author: AuthorOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Change the password of an account; its sessions end.

    \b
    Example:
      kado user passwd sato
    """
    configuration = load_configuration(config)
    account_named(configuration, name)
    changed = change_password(configuration, name, _hash(_password(password_file, name), name), _author(author))
    _show(configuration.profile, [changed], output)


def role(
    name: NameArgument,
    to: Annotated[Role, typer.Option("--role", help="What the person may do from now on.")],
    author: AuthorOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Change the role of an account; its sessions end.

    \b
    Example:
      kado user role sato --role engineer
    """
    configuration = load_configuration(config)
    _show(configuration.profile, [change_role(configuration, name, to, _author(author))], output)


def remove(
    name: NameArgument,
    author: AuthorOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Remove an account; its sessions end, and what it recorded stays.

    \b
    Example:
      kado user remove sato
    """
    configuration = load_configuration(config)
    remove_account(configuration, name, _author(author))
    if output is Format.JSON:
        print_json({**identity(configuration.profile), "removed": name})
    else:
        show(tr("account {name} was removed", name=name))


def list_accounts(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""List the accounts of the page.

    \b
    Example:
      kado user list
    """
    configuration = load_configuration(config)
    _show(configuration.profile, all_accounts(configuration), output)


def _show(profile: Profile, accounts: Sequence[Account], output: Format) -> None:
    if output is Format.JSON:
        print_json({**identity(profile), "accounts": [_document(profile, a) for a in accounts]})
    else:
        show(*account_list(profile, accounts))


def _document(profile: Profile, account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "role": account.role.value,
        "password": account.password_hash.startswith("$argon2id$"),
        "created_at": format_time(account.created_at_ns, profile.zone),
        "changed_at": format_time(account.changed_at_ns, profile.zone),
        "changed_by": account.author,
    }


def account_list(profile: Profile, accounts: Sequence[Account]) -> list[RenderableType]:
    """Return the accounts, each with its role and who changed it last."""
    heading = title(profile, tr("accounts of the page"))
    if not accounts:
        return [heading, tr("none")]
    rows = table(order=["name", "role", "created", "changed", "changed by"])
    for a in accounts:
        created, changed = local(a.created_at_ns, profile.zone), local(a.changed_at_ns, profile.zone)
        rows.add_row(a.name, a.role.value, created, changed, a.author)
    return [heading, rows]


def _author(stated: str | None) -> str:
    if stated is not None and stated.strip():
        return stated.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise AccountError(Sentence("it is not known who you are: say it with --author NAME")) from error


def _password(file: Path | None, name: str) -> str:
    if file is not None:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                Sentence("{file} (--password-file) cannot be read: {error}", file=file, error=error)
            ) from error
        return text.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise AccountError(
            Sentence("no terminal to ask for the password: give it by --password-file FILE, or - for stdin")
        )
    first = getpass.getpass(tr("Password of {name}: ", name=name))
    if getpass.getpass(tr("Once more: ")) != first:
        raise AccountError(Sentence("the two passwords differ: nothing was changed"))
    return first


def _hash(password: str, name: str) -> str:
    try:
        from kado.page.access.passwords import check_password, hash_password
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            Sentence("accounts need {error}, which is not installed: pip install 'kado[page]'", error=error.name)
        ) from error
    return hash_password(check_password(password, name))
