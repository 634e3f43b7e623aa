"""The nearest right word, at the end of a message about a wrong one."""

import difflib
from collections.abc import Iterable

from facility.sentence import Sentence


def nearest(word: str, known: Iterable[str]) -> Sentence:
    """Return the end of an error message: the nearest right word, or all of them.

    Examples
    --------
    >>> nearest("disk_fre_pct", ["disk_free_pct", "dead_letters"])
    "did you mean 'disk_free_pct'?"
    """
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if near:
        return Sentence("did you mean {word!r}?", word=near[0])
    return Sentence("known here: {words}", words=", ".join(words))
