"""What people write into the record: how long a text may be, and which characters it may hold.

One rule for the command line, the page and the journal. A text is refused or kept as it is, never cut or changed.
"""

import unicodedata
from typing import Final

from facility.errors import UsageError
from facility.sentence import Sentence

LONGEST_TEXT: Final = 4_000
"""Characters of a reason, a cause, a remark: two pages."""
LONGEST_REMARK: Final = 10_000
"""Characters of a remark on a shift."""
LONGEST_EVIDENCE: Final = 1_000
"""Characters of the place where evidence can be found."""
LONGEST_LINE: Final = 300
"""Characters of a title or a name."""

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the order in which the rest is read: a record would not read as it was written."""


def check_text(
    what: str | Sentence,
    text: str,
    error: type[UsageError] = UsageError,
    *,
    longest: int = LONGEST_TEXT,
    one_line: bool = False,
) -> None:
    r"""Refuse a text that is too long, or holds characters that are no text.

    Line breaks and tabs are text, unless it has to be `one_line`; so are spaces of every width, and letters, marks and
    symbols of every script. Control characters, halves of characters and marks that turn the direction of reading are
    not.

    Parameters
    ----------
    what
        Names the text in the message, such as ``the reason``.
    error
        What to raise.

    Raises
    ------
    UsageError
        As `error`, with value and limit.

    Examples
    --------
    >>> check_text("the reason", "真空\u3000漏れ")
    >>> check_text("the reason", "bell \a")
    Traceback (most recent call last):
    facility.errors.UsageError: the reason has a control character, U+0007, at position 6: remove it
    """
    if len(text) > longest:
        raise error(
            Sentence(
                "{what} has {n:,} characters, more than the {longest:,} that are recorded: shorten it, and say where"
                " the rest can be found",
                what=what,
                n=len(text),
                longest=longest,
            )
        )
    for position, character in enumerate(text, 1):
        if not one_line and character in "\n\t":
            continue
        if one_line and character in "\n\r":
            raise error(
                Sentence("{what} has a line break at position {n}: write it in one line", what=what, n=position)
            )
        if not _is_text(character):
            raise error(
                Sentence(
                    "{what} has a control character, U+{code:04X}, at position {n}: remove it",
                    what=what,
                    code=ord(character),
                    n=position,
                )
            )


def check_line(
    what: str | Sentence, text: str, error: type[UsageError] = UsageError, *, longest: int = LONGEST_LINE
) -> None:
    """Refuse a text as `check_text` does, and one of several lines."""
    check_text(what, text, error, longest=longest, one_line=True)


def _is_text(character: str) -> bool:
    number = ord(character)
    no_character = 0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE
    return not (no_character or character in _TURNING or unicodedata.category(character) in _REFUSED_CATEGORIES)
