"""The sentence of an error: English with named places for values, so that it can be shown in another language."""

from collections.abc import Mapping


class Sentence:
    """The message of an error, ``raise PeriodError(Sentence("{text!r} is no period", text=text))``; `str` is English.

    ``make texts`` collects the literals; `kado.language.sentences` has them in the language of now.

    Parameters
    ----------
    text
        A literal; ``{name}`` is the place of a value.
    values
        Text, numbers, enumerations, sentences, or errors that are the reason.

    Examples
    --------
    >>> str(Sentence("{n} files", n=3))
    '3 files'
    """

    __slots__ = ("text", "values")

    def __init__(self, text: str, /, **values: object) -> None:
        self.text = text
        self.values = values

    @classmethod
    def restored(cls, text: str, values: Mapping[str, object]) -> "Sentence":
        """Return a sentence that was kept with a document: its text stood as a literal where it was made."""
        return cls(text, **values)

    def __str__(self) -> str:
        return self.text.format(**self.values)

    def __repr__(self) -> str:
        return repr(str(self))
