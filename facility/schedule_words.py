"""What a calendar program's words mean for the operation calendar."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from facility.schedule import PLANNED_CATEGORIES, Category

IGNORED = "ignore"
"""Stands for events that are not part of the operation calendar, such as meetings."""

_Word = Literal["user", "reserve", "study", "tuning", "maintenance", "shutdown", "commissioning", "ignore"]
_OWN = {c.value: c for c in PLANNED_CATEGORIES}


class CalendarWords(BaseModel):
    """What events of a calendar are, by their ``CATEGORIES`` or ``SUMMARY``; ``[schedule]`` in ``kado.toml``.

    Upper and lower case are the same. kado's own words for categories are always understood.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    categories: dict[str, _Word] = Field(
        default_factory=dict, description="What a word of CATEGORIES means, such as 'User beam'."
    )
    summaries: dict[str, _Word] = Field(
        default_factory=dict,
        description="What a SUMMARY means where no word of CATEGORIES is known; * stands for any text.",
    )

    def find(self, categories: Sequence[str], summary: str) -> tuple[Category | None, tuple[str, ...]] | None:
        """Return an event's category and tags; None for the category where nothing says it, None for ignored ones.

        The first word of `categories` that is known is the category, the others are tags.
        """
        by_word = {word.casefold(): meant for word, meant in self.categories.items()}
        for place, word in enumerate(categories):
            key = word.casefold()
            meant = by_word.get(key, key if key in _OWN else None)
            if meant == IGNORED:
                return None
            if meant is not None:
                others = (*categories[:place], *categories[place + 1 :])
                return Category(meant), tuple(w for w in others if w.casefold() not in _OWN)
        for pattern, meant in self.summaries.items():
            if fnmatchcase(summary.casefold(), pattern.casefold()):
                return None if meant == IGNORED else (Category(meant), tuple(categories))
        return (None, tuple(categories))
