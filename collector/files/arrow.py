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


def is_text(kind: Any) -> bool:
    """Whether a type holds text, plain or as a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def as_text(column: ArrowArray) -> ArrowArray:
    """Return a column of text, whatever its encoding, as plain strings."""
    return column if pa.types.is_string(column.type) else column.cast(pa.string())
