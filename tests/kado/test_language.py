"""Texts in two languages: which one is used, and that none is forgotten."""

import asyncio

import pytest

from command_line import Kado
from facility.errors import UsageError
from facility.text import Text
from kado.cli.help import wrapped
from kado.language import chosen_language, in_language, language, tr, trn, words


@pytest.mark.parametrize(
    ("option", "environment", "expected"),
    [
        (None, {}, "en"),
        (None, {"LANG": "ja_JP.UTF-8"}, "ja"),
        (None, {"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LC_MESSAGES": "ja_JP", "LANG": "en_US"}, "ja"),
        (None, {"LANG": "fr_FR.UTF-8"}, "en"),
        (None, {"LANG": "en_US", "KADO_LANG": "ja"}, "ja"),
        ("en", {"LANG": "ja_JP", "KADO_LANG": "ja"}, "en"),
    ],
)
def test_the_option_comes_before_the_environment_before_the_locale(
    option: str | None, environment: dict[str, str], expected: str
) -> None:
    assert chosen_language(option, environment) == expected


@pytest.mark.parametrize(("option", "environment"), [("fr", {}), (None, {"KADO_LANG": "fr"})])
def test_a_language_that_kado_does_not_have_is_refused(option: str | None, environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="'fr': kado has no such language; use en or ja"):
        chosen_language(option, environment)


@pytest.mark.parametrize(
    "arguments", [["--lang", "ja", "status", "-h"], ["status", "--lang", "ja", "-h"], ["status", "-h", "--lang=ja"]]
)
def test_the_option_is_understood_wherever_it_stands(kado: Kado, arguments: list[str]) -> None:
    answer = kado(*arguments)
    assert answer.exit_code == 0
    assert answer.out == kado("status", "-h", KADO_LANG="ja").out


def test_a_wrong_language_is_one_message(kado: Kado) -> None:
    answer = kado("status", "--lang", "fr")
    assert (answer.exit_code, answer.out) == (2, "")
    assert answer.err == "kado: --lang 'fr': kado has no such language; use en or ja\n"


def test_a_language_that_was_chosen_for_a_command_ends_with_it(kado: Kado) -> None:
    kado("--lang", "ja", "--version")
    kado("--version")
    assert language() == "en"


async def test_two_requests_at_the_same_time_have_a_language_each() -> None:
    async def request(chosen: str) -> str:
        with in_language("ja" if chosen == "ja" else "en"):
            await asyncio.sleep(0)
            return language()

    assert await asyncio.gather(request("ja"), request("en"), request("ja")) == ["ja", "en", "ja"]
    assert language() == "en"


def test_values_and_plural_forms_are_put_in() -> None:
    assert tr("no such text of {thing}", thing="kado") == "no such text of kado"
    assert tr("braces {} stay where there are no values") == "braces {} stay where there are no values"
    assert [trn("{n} day of {what}", "{n} days of {what}", n, what="x") for n in (0, 1, 1234)] == [
        "0 days of x", "1 day of x", "1,234 days of x",
    ]  # fmt: skip


def test_a_text_of_a_profile_is_in_the_language_of_now() -> None:
    text = Text(en="Ring", ja="リング")
    with in_language("ja"):
        assert words(text) == "リング"
    assert words(text) == "Ring"


def test_a_line_of_japanese_is_broken_by_its_width_and_never_before_a_full_stop() -> None:
    assert wrapped("稼働率を表示する。", 8) == ["稼働率を", "表示す", "る。"]
    assert wrapped("kado check を実行", 12) == ["kado check", "を実行"]
    assert wrapped("plain words of English", 12) == ["plain words", "of English"]
