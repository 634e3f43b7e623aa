"""Names that identify: facilities, signals, sources, definitions."""

import re
from typing import Annotated

from pydantic import AfterValidator

from facility.errors import SlugError
from facility.sentence import Sentence

_SLUG = re.compile(r"[a-z][a-z0-9_]*")
_DEFINITION_ID = re.compile(r"[a-z][a-z0-9_-]*")


def check_slug(text: str, what: str | Sentence = "name") -> str:
    """Return `text` if it is a slug.

    Parameters
    ----------
    what
        What it names, for the message.

    Raises
    ------
    SlugError
        Unless `text` matches ``[a-z][a-z0-9_]*``.

    Examples
    --------
    >>> check_slug("stored_current")
    'stored_current'
    """
    if not _SLUG.fullmatch(text):
        raise SlugError(
            Sentence(
                "{what} {text!r} is not a slug: use a lower-case letter, then lower-case letters, digits and '_'",
                what=what,
                text=text,
            )
        )
    return text


def _check_definition_id(text: str) -> str:
    if not _DEFINITION_ID.fullmatch(text):
        raise SlugError(
            Sentence(
                "definition id {text!r}: use a lower-case letter, then lower-case letters, digits, '_', '-'", text=text
            )
        )
    return text


Slug = Annotated[str, AfterValidator(check_slug)]
"""A pydantic field type: a string that matches ``[a-z][a-z0-9_]*``."""

DefinitionId = Annotated[str, AfterValidator(_check_definition_id)]
"""A pydantic field type: as `Slug`, hyphens allowed (``common-metrics``)."""
