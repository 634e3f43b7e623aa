"""What values of Channel Access become."""

from typing import Any

import numpy as np
import pytest

from collector.sources.epics_ca.client import decode


class Update(np.ndarray[Any, Any]):
    """An array as aioca gives it."""

    raw_stamp = (1_795_431_969, 5)
    severity = 0
    status = 0


@pytest.mark.parametrize("arrays", [[[1.0, 2.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]], [[1.0], [2.0, 3.0]], [[5.0]]])
def test_arrays_are_no_numbers_whatever_comes_with_them(arrays: list[list[float]]) -> None:
    updates = [np.array(numbers).view(Update) for numbers in arrays]
    columns = decode(np.zeros(len(updates), np.int32), updates)
    # Of one length they would make a table.
    assert columns.number.shape == (len(updates),)
    assert np.isnan(columns.number).all()
    assert columns.text == [f"an array of {len(numbers)}" for numbers in arrays]
