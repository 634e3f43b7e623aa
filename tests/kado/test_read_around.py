"""Looks at a signal around some days: answered from one read of the store, and the same as the store's own."""

from itertools import product

import numpy as np
import pytest

from facility.batch import Samples
from kado.queries.read_around import read_around

SPARSE = np.array([5, 30, 40, 41, 60, 95, 130], np.int64)


class Store:
    """Holds one signal, and counts how often it is read."""

    def __init__(self, *time_ns: int) -> None:
        self.time_ns = np.array(time_ns, np.int64)
        self.reads = 0

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        self.reads += 1
        first, last = np.searchsorted(self.time_ns, [start_ns, end_ns]).tolist()
        part = slice(max(0, first - 1) if hold else first, max(first, last))
        return Samples.sorted("ring", signal, self.time_ns[part], self.time_ns[part] * 1.5)


@pytest.mark.parametrize("hold", [False, True])
def test_every_look_gives_what_the_store_gives(hold: bool) -> None:
    store = Store(*SPARSE.tolist())
    edges = range(0, 140, 5)
    for start, end in product(edges, edges):
        if start <= end:
            found = read_around(store.read, 30, 100)("current", start, end, hold=hold)
            expected = store.read("current", start, end, hold=hold)
            assert found.time_ns.tolist() == expected.time_ns.tolist(), (start, end)
            assert found.value.tolist() == expected.value.tolist(), (start, end)


def test_looks_inside_the_stretch_cost_one_read_of_each_signal() -> None:
    store = Store(*SPARSE.tolist())
    reading = read_around(store.read, 30, 100)
    for signal, start in product(("current", "mode"), range(30, 100)):
        reading(signal, start, 100, hold=start % 2 == 0)
    assert store.reads == 2
    reading("current", 29, 100)
    assert store.reads == 3


def test_a_signal_without_samples_before_a_look_has_none_that_holds_into_it() -> None:
    store = Store(50, 60)
    reading = read_around(store.read, 30, 100)
    assert reading("current", 40, 55, hold=True).time_ns.tolist() == [50]
    assert reading("current", 40, 45, hold=True).time_ns.tolist() == []
    assert reading("current", 55, 55, hold=True).time_ns.tolist() == [50]
