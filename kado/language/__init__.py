"""Texts for people: one catalogue for all faces, in one language at a time."""

from kado.language.catalogue import marked, tr, trn, words
from kado.language.choice import LANGUAGES, chosen_language, in_language, language, set_language
from kado.language.terms import term

__all__ = [
    "LANGUAGES", "chosen_language", "in_language", "language", "marked", "set_language", "term", "tr", "trn", "words",
]  # fmt: skip
