"""Which words the stores can hold: a state, a reason."""

from typing import Final

MAX_WORD_CHARACTERS: Final = 1_000
"""Of a state or a reason; InfluxDB holds 64 KiB in a string field, and no person reads more than this."""


def word_problem(word: str) -> str:
    """Return why a word cannot be stored and read back unchanged by every store; empty if it can.

    Examples
    --------
    >>> word_problem("user")
    ''
    >>> word_problem("")
    'is empty'
    """
    if not word:
        return "is empty"
    if len(word) > MAX_WORD_CHARACTERS:
        return f"has {len(word)} characters, and {MAX_WORD_CHARACTERS} is the limit"
    if any(c < " " or c == "\x7f" for c in word):
        return "holds a line break or another control character"
    if any("\ud800" <= c <= "\udfff" for c in word):
        return "holds half of a surrogate pair, which is not text"
    return ""
