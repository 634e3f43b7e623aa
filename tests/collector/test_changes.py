"""Who keeps what was computed is told what came into the store."""

from collector.changes import Changes
from facility.interval import Intervals


def test_what_was_noted_is_told_once_by_signal() -> None:
    changes = Changes()
    changes.note("stored_current", 10, 20)
    changes.note("stored_current", 5, 5)
    changes.note("orbit_x", 7, 9)
    assert changes.take() == {
        "stored_current": Intervals.of([(5, 6), (10, 21)]),
        "orbit_x": Intervals.of([(7, 10)]),
    }
    assert changes.take() == {}


def test_what_is_stamped_before_anything_can_have_been_is_not_noted() -> None:
    changes = Changes(earliest_ns=100)
    branch = changes.branch()
    changes.note("stored_current", 1, 99)
    changes.note("orbit_x", 1, 120)
    changes.note("orbit_x", 110, 130)
    assert changes.take() == branch.take() == {"orbit_x": Intervals.of([(100, 131)])}


def test_too_many_stretches_become_one_that_holds_them_all() -> None:
    changes = Changes()
    for i in range(10_000):
        changes.note("stored_current", 10 * i, 10 * i + 1)
    (told,) = changes.take().values()
    assert len(told) <= 200
    assert all(told.contains(10 * i) and told.contains(10 * i + 1) for i in range(10_000))


def test_a_branch_is_told_the_same_and_each_one_who_asks_gets_all_of_it() -> None:
    changes = Changes()
    other = changes.branch()
    changes.note("stored_current", 10, 20)
    assert changes.take() == other.take() == {"stored_current": Intervals.of([(10, 21)])}
