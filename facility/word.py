"""Which words the stores can hold: a state, a reason."""

from typing import Final

from facility.sentence import Sentence

MAX_WORD_CHARACTERS: Final = 1_000
"""Of a state or a reason; InfluxDB holds 64 KiB in a string field, and no person reads more than this."""


def word_problem(word: str) -> Sentence | None:
    """Return why a word cannot be stored and read back unchanged by every store; None if it can.

    Examples
    --------
    >>> word_problem("user") is None
    True
    >>> word_problem("")
    'is empty'
    """
    if not word:
        return Sentence("is empty")
    if len(word) > MAX_WORD_CHARACTERS:
        return Sentence("has {n:,} characters, and {limit:,} is the limit", n=len(word), limit=MAX_WORD_CHARACTERS)
    if any(c < " " or c == "\x7f" for c in word):
        return Sentence("holds a line break or another control character")
    if any("\ud800" <= c <= "\udfff" for c in word):
        return Sentence("holds half of a surrogate pair, which is not text")
    return None
