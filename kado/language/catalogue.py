"""Texts in the language of now: English in the code, Japanese in ``ja/*.po``.

A text stands in the code in English, as a literal argument of `tr` or `trn`, with named places for values. ``make
texts`` collects the literals into the .po file of their folder, where the Japanese is written. A test finds what is
not translated.
"""

import gettext
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Final

from kado.language.choice import language

if TYPE_CHECKING:
    from facility.text import Text  # pydantic, which the list of commands does not need

_LANGUAGE_OF_THE_CODE: Final = "en"


def tr(text: str, /, **values: object) -> str:
    """Return a text in the language of now, with its values put in.

    Parameters
    ----------
    text
        English, a literal; ``{name}`` is the place of a value. Formats work: ``{share:.1f}``.

    Examples
    --------
    >>> tr("{files} files in {folder}", files=3, folder="data")
    '3 files in data'
    """
    if not text:
        return text
    found = text if language() == _LANGUAGE_OF_THE_CODE else _translations(language()).gettext(text)
    return found.format(**values) if values else found


def trn(one: str, many: str, n: int, /, **values: object) -> str:
    """Return a text in the form that fits a number; ``{n}`` is the number, thousands apart.

    Examples
    --------
    >>> trn("{n} file", "{n} files", 1), trn("{n} file", "{n} files", 1200)
    ('1 file', '1,200 files')
    """
    if language() == _LANGUAGE_OF_THE_CODE:
        found = one if n == 1 else many
    else:
        found = _translations(language()).ngettext(one, many, n)
    return found.format(n=f"{n:,}", **values)


def marked(text: str) -> str:
    """Return a text as it is, to be given to `tr` later: for constants, which are made before a language is chosen."""
    return text


def words(text: "Text") -> str:
    """Return the words of a profile, a definition or an enumeration in the language of now."""
    return text.in_language(language())


@cache
def _translations(chosen: str) -> gettext.NullTranslations:
    """Read all files of a language."""
    # Who reads English does not pay for it.
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale=chosen)
    for file in sorted(files("kado.language").joinpath(chosen).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".po"):
            for message in read_po(BytesIO(file.read_bytes()), locale=chosen):
                if message.id and message.string and not message.fuzzy:
                    whole.add(message.id, message.string)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
