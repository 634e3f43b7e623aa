"""The sentence of an error: English with named places for values, so that it can be shown in another language."""

from collections.abc import Iterable, Mapping


class Sentence:
    """The message of an error, ``raise PeriodError(Sentence("{text!r} is no period", text=text))``; `str` is English.

    ``make texts`` collects the literals; `kado.language.sentences` has them in the language of now.

    Parameters
    ----------
    text
        A literal; ``{name}`` is the place of a value. Without values it is shown as it is, with its braces.
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
        return self.text.format(**self.values) if self.values else self.text

    def __repr__(self) -> str:
        return repr(str(self))

    @classmethod
    def joined(cls, parts: Iterable[object], between: str = "\n") -> "Sentence":
        """Return several sentences as one: by default a line for each.

        Examples
        --------
        >>> str(Sentence.joined([Sentence("{n} files", n=3), "as it was"], "; "))
        '3 files; as it was'
        """
        values = {f"part_{number}": part for number, part in enumerate(parts)}
        # The whole is in no catalogue; its parts are.
        return cls(between.join(f"{{{name}}}" for name in values), **values)
