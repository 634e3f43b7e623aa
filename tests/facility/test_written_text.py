"""What people write into the record is kept as it is, or refused."""

import pytest

from facility.errors import CorrectionError, UsageError
from facility.written_text import LONGEST_LINE, LONGEST_TEXT, check_line, check_text

WIDE = "真空\u3000漏れ"
"""With an ideographic space, as everybody in Japan writes it."""


@pytest.mark.parametrize(
    "text", ["", WIDE, "first\nsecond\tcolumn", "山本\U000e0101", "\u00a01 mA", "👩\u200d🔧", "x" * LONGEST_TEXT]
)
def test_spaces_and_letters_of_every_script_are_text(text: str) -> None:
    check_text("the reason", text)


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("bell \a", r"U\+0007, at position 6"),
        ("colour \x1b[31m", r"U\+001B, at position 8"),
        ("nothing\0", r"U\+0000, at position 8"),
        ("delete\x7f", r"U\+007F"),
        ("next line\x85", r"U\+0085"),
        ("half \ud83d", r"U\+D83D, at position 6"),
        ("not UTF-8 \udcff", r"U\+DCFF"),
        ("turned \u202e", r"U\+202E"),
        ("line\u2028separator", r"U\+2028"),
        ("no character \uffff", r"U\+FFFF"),
        ("only a return\r", r"U\+000D"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(text: str, character: str) -> None:
    with pytest.raises(CorrectionError, match=rf"^the reason has a control character, {character}.*: remove it$"):
        check_text("the reason", text, CorrectionError)


def test_a_text_that_is_too_long_is_refused_with_value_and_limit() -> None:
    with pytest.raises(UsageError, match=r"^the reason has 4,001 characters, more than the 4,000 .*: shorten it"):
        check_text("the reason", "あ" * (LONGEST_TEXT + 1))
    with pytest.raises(UsageError, match=r"^the title has 301 characters, more than the 300 "):
        check_line("the title", "x" * (LONGEST_LINE + 1))


def test_a_name_or_title_is_one_line() -> None:
    check_line("the title", WIDE)
    with pytest.raises(UsageError, match=r"^the title has a line break at position 4: write it in one line$"):
        check_line("the title", "arc\nin the window")
    with pytest.raises(UsageError, match=r"U\+0009"):
        check_line("the title", "arc\tin the window")
