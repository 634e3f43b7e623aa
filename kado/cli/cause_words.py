"""Causes of rejections, drops and losses, and reasons of gaps, for people."""

from collector.causes import words_of
from kado.language import words


def cause_in_words(cause: str) -> str:
    """Return a cause with its meaning; one without words stands for itself."""
    meaning = words_of(cause)
    return cause if meaning is None else f"{cause}: {words(meaning)}"
