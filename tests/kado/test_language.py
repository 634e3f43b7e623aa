"""Texts in two languages: which one is used, and that none is forgotten."""

import asyncio
import pickle
import re
import string
from datetime import UTC
from pathlib import Path

import pytest

import texts
from command_line import Kado
from facility.errors import PeriodError, UsageError
from facility.period import parse_period
from facility.text import Text
from kado.cli.help import wrapped
from kado.language import chosen_language, in_language, language, tr, trn, words
from kado.language.sentences import error_text
from seeded_ring import DAY


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
    with in_language("en"):
        assert words(text) == "Ring"


def test_a_line_of_japanese_is_broken_by_its_width_and_never_before_a_full_stop() -> None:
    assert wrapped("稼働率を表示する。", 8) == ["稼働率を", "表示す", "る。"]
    assert wrapped("kado check を実行", 12) == ["kado check", "を実行"]
    assert wrapped("plain words of English", 12) == ["plain words", "of English"]


def catalogue() -> list[tuple[tuple[str, ...], str]]:
    """Every Japanese text with its English forms."""
    found: list[tuple[tuple[str, ...], str]] = []
    for path in sorted(texts.FOLDER.glob("*.po")):
        for message in texts.read(path):
            if message.id:
                forms = (message.id,) if isinstance(message.id, str) else tuple(message.id)
                string = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
                assert not message.fuzzy, f"{path.name}: {forms[0]!r} is marked fuzzy: check it and take the mark away"
                found.append((forms, string))
    return found


def test_every_text_has_a_japanese_translation_and_none_is_left_over() -> None:
    translated = {forms for forms, string in catalogue() if string.strip()}
    wanted = {text.forms for text in texts.all_texts()}
    assert wanted - translated == set(), "run make texts, and translate what is empty in kado/language/ja"
    assert translated - wanted == set(), "run make texts"


def test_a_translation_has_the_values_of_its_text() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    wrong = [f for f, japanese in catalogue() if "{" in f[0] and places(f[0]) | places(f[-1]) != places(japanese)]
    assert wrong == []


def test_a_word_of_the_glossary_is_translated_as_the_glossary_has_it() -> None:
    lines = (texts.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    glossary = {row[0].lower(): row[1] for row in rows if len(row) == 3}
    chosen = {forms[0].lower(): japanese for forms, japanese in catalogue()}
    words_of_both = set(glossary) & set(chosen)
    assert len(words_of_both) > 20
    # What stands in brackets in the glossary is another word for the same.
    wrong = {w: (glossary[w], chosen[w]) for w in words_of_both if chosen[w] not in re.split("[（）]", glossary[w])}
    assert wrong == {}


@pytest.mark.parametrize(
    "words",
    [
        ["availability", "-p", DAY], ["events", "-p", DAY], ["gaps", "-p", DAY], ["explain", "-p", DAY],
        ["explain", "--at", f"{DAY}T05:10:00+09:00"], ["beamlines", "-p", DAY], ["schedule", "show"], ["status"],
        ["ledger"], ["store", "status"], ["store", "verify"], ["definitions"], ["check"], ["incident", "list"],
        ["definitions", "--compare", "sls", "aps", "-p", DAY], ["correct", "list"],
        ["reliability", "-p", DAY],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_table_is_in_one_language(seeded: Kado, words: list[str]) -> None:
    japanese = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    english = seeded(*words).out
    assert japanese.findall(english) == []
    out = seeded(*words, "--lang", "ja").out
    assert "模擬データ" in out or words == ["definitions"]
    assert japanese.search(out.partition("\n")[2])
    # Titles of publications stay as they are.
    headings = ("Period", "Definition", "Availability", "user time", "no beam", "Service", "Time ", "Store", "Journal")
    headings += ("event ", "review", "root cause", "Failures", "grouped by")
    if words == ["definitions"]:
        headings = ()
    assert [heading for heading in headings if heading in out] == []


def test_an_error_has_its_reason_and_its_words_in_the_language_of_the_reader() -> None:
    with pytest.raises(PeriodError) as raised:
        parse_period("2025-05-01T00:00:00Z/tomorrow", UTC)
    error = pickle.loads(pickle.dumps(raised.value))
    assert str(error) == error_text(error)
    assert "is not START/END: 'tomorrow' is not an ISO 8601 time" in str(error)
    with in_language("ja"):
        assert "の形ではありません。'tomorrow' は ISO 8601 の時刻ではありません" in error_text(error)
        assert error_text(PeriodError("not in a catalogue")) == "not in a catalogue"


def test_a_sentence_that_is_no_literal_is_found() -> None:
    with pytest.raises(AssertionError, match=r"here\.py:1: a Sentence is made of a literal"):
        list(texts.texts_of("Sentence(a if b else c)", "here.py"))


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ('facility = "nanoterasuu"', "プロファイル 'nanoterasuu' はありません"),
        ('facilty = "nanoterasu"', "kado.toml：キー 'facilty' はありません。'facility' の誤りですか"),
        (
            'facility = "nanoterasu"\n[store]\nkind = "embedded"\nseal_after_days = "1"',
            "引用符なしで指定してください",
        ),
        ('facility = "nanoterasu"\n[[source]]\nid = "a"\nkind = "simulator"', "施設 'nanoterasu' は実在の施設です"),
        ('facility = "nanoterasu"\n[alarms]\nrules = ["none.toml"]', "none.toml がありません"),
    ],
)
def test_what_is_wrong_in_kado_toml_is_said_in_the_language_of_the_reader(
    kado: Kado, tmp_path: Path, toml: str, expected: str
) -> None:
    (tmp_path / "kado.toml").write_text(toml, encoding="utf-8")
    answer = kado("check", "--lang", "ja")
    assert expected in answer.err + answer.out
    assert not re.search("[a-z]{3,} [a-z]{3,} [a-z]{3,}", answer.err)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["schedule", "import", "gone.csv"], "gone.csv を読めません：ファイルやディレクトリがありません"),
        (
            ["schedule", "import", "wrong.csv"],
            "wrong.csv：見出し行 'a,b' に start, end, category, published_at がありません",
        ),
        (["store", "restore", "nowhere"], "nowhere に、backup.json のある完成したバックアップがありません"),
        (["backfill", "-p", DAY], "アーカイブが設定されていません"),
    ],
)
def test_what_a_command_refuses_is_said_in_the_language_of_the_reader(
    seeded: Kado, tmp_path: Path, words: list[str], expected: str
) -> None:
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    answer = seeded(*words, "--lang", "ja")
    assert answer.exit_code != 0
    assert expected in answer.err
