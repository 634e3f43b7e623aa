"""How far a sample is to be trusted: one scale for all sources."""

from enum import IntEnum
from typing import Final

REASON_CLOCK: Final = "clock"
"""Reason of a sample whose stamp lies in the future beyond the clock tolerance."""
REASON_TOO_EARLY: Final = "too_early"
"""Reason of a sample whose stamp lies before its signal can have existed, such as the EPICS epoch."""
TIME_REASONS: Final = (REASON_CLOCK, REASON_TOO_EARLY)
"""Reasons of samples whose time cannot be true: they take no part in figures, and are never the newest."""


class Quality(IntEnum):
    """The scale; the number is what is stored, the word is what people read and write."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2

    @property
    def word(self) -> str:
        """``good``, ``uncertain`` or ``bad``."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> "Quality":
        """Return the quality that `word` names.

        Raises
        ------
        KeyError
            If it names none.
        """
        return _BY_WORD[word]


_BY_WORD: Final = {q.word: q for q in Quality}
QUALITY_WORDS: Final = tuple(q.word for q in Quality)
