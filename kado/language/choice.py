"""Which language is used now: chosen for a command, or for one request of a page."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

from facility.errors import UsageError
from facility.sentence import Sentence

Language = Literal["en", "ja"]
"""The same as `facility.text.Language`, without pydantic, which the list of commands does not need."""

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")

_HERE: Final[ContextVar[Language | None]] = ContextVar("language", default=None)
"""A variable of the context: two requests that run at the same time have a language each."""

_process: Language = "en"
"""Where nothing else is chosen; the threads of a command have it too."""


def known_language(name: str | None) -> Language | None:
    """Return a language by its code; None if kado does not have it."""
    return next((known for known in LANGUAGES if known == name), None)


def language() -> Language:
    """Return the language that texts are in now; English where none was chosen."""
    return _HERE.get() or _process


def set_language(chosen: Language) -> None:
    """Use a language in this process from now on, wherever `in_language` chooses no other: for a command."""
    global _process
    _process = chosen


@contextmanager
def in_language(chosen: Language) -> Generator[None]:
    """Use a language inside the block, in this task: for one request, one report, one message.

    Examples
    --------
    >>> with in_language("ja"):
    ...     language()
    'ja'
    """
    token = _HERE.set(chosen)
    try:
        yield
    finally:
        _HERE.reset(token)


def chosen_language(option: str | None, environment: Mapping[str, str]) -> Language:
    """Return the language to use: the option ``--lang``, else ``KADO_LANG``, else that of the locale, else English.

    Raises
    ------
    UsageError
        If the option or ``KADO_LANG`` names a language that kado does not have.

    Examples
    --------
    >>> chosen_language(None, {"LANG": "ja_JP.UTF-8"}), chosen_language("en", {"KADO_LANG": "ja"})
    ('ja', 'en')
    >>> chosen_language(None, {"LANG": "de_DE.UTF-8"})
    'en'
    """
    for name, value in (("--lang", option), ("KADO_LANG", environment.get("KADO_LANG"))):
        if value:
            if value not in LANGUAGES:
                raise UsageError(
                    Sentence(
                        "{name} {value!r}: kado has no such language; use {languages}",
                        name=name,
                        value=value,
                        languages=" or ".join(LANGUAGES),
                    )
                )
            return value
    # The first of them that is set decides, as POSIX has it.
    locale = next((environment[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(n)), "")
    prefix = locale[:2].lower()
    return prefix if prefix in LANGUAGES else "en"
