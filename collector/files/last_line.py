"""Whether the last line of a file, which has no line end, is whole or was cut off.

Spreadsheets and editors write files without a line end at their end; a copy that broke off leaves such files too. What
is cut off is shorter than what stood there, so a cell is whole where a shorter one would be noticed: by other rows that
are all written alike.
"""

from collections.abc import Sequence
from typing import Final

ALIKE_ROWS: Final = 10
"""Rows that have to be written alike before a shorter number or time is taken for a cut one."""
ROWS_COMPARED: Final = 1_000
NOT_WHOLE: Final = (
    "the file ends here without a line end, and nothing shows that the line is whole: add a line end if it is"
)
"""The detail of a rejected line."""


def is_whole(role: str | None, cell: str, others: Sequence[str], *, decimal: str = ".") -> bool:
    """Whether the last cell of a file without a line end is whole.

    Parameters
    ----------
    role
        What its column holds: ``time``, ``arrival``, ``value``, ``signal``, ``quality``, ``reason``; None: nothing that
        is read.
    cell
        As it stands there.
    others
        The cells of that column in the rows before, empty ones left out.
    decimal
        The decimal sign of numbers.

    Returns
    -------
    bool
        For a number: all others have as many characters behind the decimal sign, at least one. For a time: all others
        have its length. For a word: it is one of the others, and none of them begins with it. For a quality: it is not
        empty, since no quality begins with another.
    """
    match role:
        case None:
            return True
        case "quality":
            return bool(cell)
        case "time" | "arrival":
            return _all_alike([len(other) for other in others], len(cell))
        case "value" if decimal in cell:
            return _all_alike([_behind(other, decimal) for other in others], _behind(cell, decimal))
        case _:
            is_word = bool(cell) and not cell[-1].isdigit()
            return is_word and cell in others and not any(o != cell and o.startswith(cell) for o in others)


def _behind(cell: str, decimal: str) -> int:
    return len(cell.partition(decimal)[2])


def _all_alike(lengths: Sequence[int], length: int) -> bool:
    return length > 0 and len(lengths) >= ALIKE_ROWS and set(lengths) == {length}
