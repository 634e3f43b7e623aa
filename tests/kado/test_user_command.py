"""``kado user``: accounts of the page, their passwords never on the command line and never in clear on the disk."""

from pathlib import Path

import pytest

from command_line import Kado

PASSWORD = "correct horse"


@pytest.fixture
def password(seeded: Kado, tmp_path: Path) -> str:
    del seeded
    path = tmp_path / "password.txt"
    path.write_text(f"{PASSWORD}\n")
    return str(path)


def test_an_account_is_added_listed_changed_and_removed(seeded: Kado, password: str) -> None:
    assert seeded("user", "add", "sato", "--role", "operator", "--password-file", password).exit_code == 0
    (account,) = seeded("user", "list", "--format", "json").document["accounts"]
    assert (account["name"], account["role"], account["password"]) == ("sato", "operator", True)
    assert seeded("user", "role", "sato", "--role", "manager", "--author", "mori").exit_code == 0
    assert seeded("user", "passwd", "sato", "--password-file", password).exit_code == 0
    assert "manager" in seeded("user", "list").out
    assert PASSWORD.encode() not in Path("data/journal.db").read_bytes()
    assert seeded("user", "remove", "sato").exit_code == 0
    assert seeded("user", "list", "--format", "json").document["accounts"] == []


@pytest.mark.parametrize(
    ("text", "why"), [("short", "has 5 characters"), ("aaaaaaaaaaaa", "fewer than 4"), ("", "has 0 characters")]
)
def test_a_weak_password_is_refused(seeded: Kado, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "weak").write_text(text)
    answer = seeded("user", "add", "sato", "--role", "viewer", "--password-file", str(tmp_path / "weak"))
    assert answer.exit_code == 2
    assert why in answer.err
    assert seeded("user", "list", "--format", "json").document["accounts"] == []


def test_without_a_terminal_the_password_comes_from_a_file(seeded: Kado) -> None:
    answer = seeded("user", "add", "sato", "--role", "viewer")
    assert answer.exit_code == 2
    assert "--password-file" in answer.err


def test_what_does_not_fit_is_named(seeded: Kado, password: str) -> None:
    seeded("user", "add", "sato", "--role", "viewer", "--no-password")
    assert "already" in seeded("user", "add", "SATO", "--role", "viewer", "--password-file", password).err
    assert "no account 'kato'; accounts: sato" in seeded("user", "remove", "kato").err
    assert "cannot be the name" in seeded("user", "add", "a b", "--role", "viewer", "--no-password").err
