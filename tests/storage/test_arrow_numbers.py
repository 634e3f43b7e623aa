"""Columns of Arrow as NumPy arrays: nulls are filled, whatever part of a column is taken."""

import numpy as np
import pyarrow as pa
import pytest

from storage.embedded.archive.arrow import numbers


@pytest.mark.parametrize("type_", [pa.int64(), pa.int32(), pa.uint8(), pa.float64(), pa.timestamp("ns", "UTC")])
@pytest.mark.parametrize("with_nulls", [False, True])
def test_a_column_and_each_part_of_it_is_what_arrow_says(type_: pa.DataType, with_nulls: bool) -> None:
    values = [None if with_nulls and i % 3 == 0 else i for i in range(21)]
    column = pa.array(values, type_)
    for start in (0, 1, 8, 20, 21):
        found = numbers(column.slice(start), 7)
        assert found.tolist() == [7 if v is None else v for v in values[start:]]
    assert len(numbers(pa.array([], type_))) == 0


def test_zeros_and_not_a_number_keep_every_bit() -> None:
    values = np.array([-0.0, np.nan, np.inf, 5e-324])
    assert numbers(pa.array(values)).tobytes() == values.tobytes()
