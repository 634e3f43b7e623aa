"""pyarrow, as `Any`: it carries no types. It is heavy, so this room is imported where a sealed file is at stake."""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

pa: Any = import_module("pyarrow")
parquet: Any = import_module("pyarrow.parquet")


def numbers(column: Any, none: float = 0) -> NDArray[Any]:
    """Return an array of numbers or time stamps (ns) as NumPy sees it, with `none` for its nulls.

    `fill_null` and `to_numpy` of pyarrow do the same, and import pandas for it where pandas is installed, which takes
    a second.
    """
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    if not column.null_count:
        without_copy: NDArray[Any] = np.from_dlpack(column)
        return without_copy
    valid, values = column.buffers()
    filled = np.from_dlpack(pa.Array.from_buffers(column.type, len(column), [None, values], offset=column.offset))
    filled = filled.copy()
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
    filled[bits[column.offset : column.offset + len(column)] == 0] = none
    return filled
