"""Pictures of archives with very many gaps: bounded in what is drawn, without gap or overlap."""

import numpy as np
import pytest

from facility.interval import Intervals
from facility.time import NS_PER_DAY, NS_PER_S
from kado.queries.drawn_kinds import drawn_kinds

YEAR = 365 * NS_PER_DAY


def gaps(every_s: int, for_s: int) -> Intervals:
    start = np.arange(0, YEAR, every_s * NS_PER_S, dtype=np.int64)
    return Intervals.from_arrays(start, start + for_s * NS_PER_S)


@pytest.mark.parametrize(("for_s", "shown"), [(4, "delivered"), (7, "unknown")])
def test_of_very_many_gaps_each_slot_is_what_takes_most_of_it(for_s: int, shown: str) -> None:
    whole, outage = Intervals.of([(0, YEAR)]), Intervals.of([(NS_PER_DAY, NS_PER_DAY + 600 * NS_PER_S)])
    unknown = gaps(10, for_s) - outage
    kinds = {"delivered": whole - unknown - outage, "no_beam": outage, "unknown": unknown}
    drawn = drawn_kinds(kinds, 0, YEAR)
    assert drawn["no_beam"] == outage
    assert drawn[shown] == whole - outage
    assert sum(time.total for time in drawn.values()) == YEAR


def test_together_it_is_the_same_time_without_overlap() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        edges = np.unique(random.integers(0, 1_000, 40))
        which = random.integers(0, 4, len(edges) - 1)
        kinds = {
            str(kind): Intervals.from_arrays(edges[:-1][which == kind], edges[1:][which == kind]) for kind in range(4)
        }
        start, end = int(edges[0]), int(edges[-1])
        drawn = drawn_kinds(kinds, start, end, most=3, slots=7)
        union = Intervals.of(pair for time in drawn.values() for pair in time)
        assert union == Intervals.of([(start, end)])
        assert sum(time.total for time in drawn.values()) == end - start
        assert all(drawn[name] == time for name, time in kinds.items() if len(time) <= 3)


def test_what_is_few_is_drawn_exactly() -> None:
    kinds = {"delivered": gaps(86_400, 80_000), "unknown": Intervals.empty()}
    assert drawn_kinds(kinds, 0, YEAR) == kinds
