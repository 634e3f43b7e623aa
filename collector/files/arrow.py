"""pyarrow, as `Any`: it carries no types, and its stubs contradict it in half of what is used here."""

from importlib import import_module
from typing import Any

pa: Any = import_module("pyarrow")
pc: Any = import_module("pyarrow.compute")
csv: Any = import_module("pyarrow.csv")
parquet: Any = import_module("pyarrow.parquet")

ArrowArray = Any
"""A `pyarrow.Array`: one column, not chunked."""
ArrowInvalid: type[Exception] = pa.ArrowInvalid
"""What a conversion raises that cannot be done exactly."""
ARROW_ERRORS: tuple[type[Exception], ...] = (pa.ArrowException, ValueError, KeyError, TypeError, MemoryError)
"""What reading a damaged or made-up file raises."""


def is_text(kind: Any) -> bool:
    """Whether a type holds text, plain or as a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def as_text(column: ArrowArray) -> ArrowArray:
    """Return a column of text, whatever its encoding, as plain strings."""
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def cell_text(column: ArrowArray, row: int) -> str | None:
    """Return one value as text for a message; None if there is no value."""
    cell = column.slice(row, 1)
    try:
        return as_text(cell)[0].as_py()
    except ArrowInvalid:  # Such as a time in a zone that Arrow does not know.
        return as_text(cell.cast(pa.int64()))[0].as_py()


def longest_text(column: ArrowArray) -> int:
    """Return the length of the longest text of a column in bytes; 0 where it has none."""
    texts = column.dictionary if pa.types.is_dictionary(column.type) else column
    return pc.max(pc.binary_length(texts)).as_py() or 0


def first_line(error: BaseException) -> str:
    """Return what an error of Arrow says, without the trace of its own code."""
    return (str(error).splitlines() or [type(error).__name__])[0]
