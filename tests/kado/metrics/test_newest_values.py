"""The newest sample of each signal is what the accounting would hold, whatever the order of arrival."""

import numpy as np

from collector.arrival import Arrival
from facility.batch import NO_WORD, Batch
from facility.profile import load_profile
from facility.quality import REASON_CLOCK, Quality
from kado.service.newest import NewestValues
from storage.store import LastValue

PROFILE = load_profile("nanoterasu_sim")
CURRENT, MODE = "stored_current", "machine_mode"


def numbers(*samples: tuple[int, float, Quality]) -> Batch:
    times, values, qualities = zip(*samples, strict=True)
    return Batch.of_numbers(PROFILE.id, CURRENT, times, values, qualities)


def landed(*batches: Batch) -> NewestValues:
    newest = NewestValues(PROFILE)
    newest.landed([Arrival("ring", batch) for batch in batches], 0.001)
    return newest


def test_the_newest_good_number_counts_and_a_bad_one_only_moves_the_stamp() -> None:
    found = landed(numbers((1, 200.0, Quality.GOOD), (2, float("nan"), Quality.BAD))).snapshot()[CURRENT]
    assert (found.time_ns, found.good_ns, found.value) == (2, 1, 200.0)


def test_a_number_above_what_is_physical_is_not_good() -> None:
    found = landed(numbers((1, 200.0, Quality.GOOD), (2, 1e6, Quality.GOOD))).snapshot()[CURRENT]
    assert (found.good_ns, found.value) == (1, 200.0)


def test_late_samples_do_not_take_the_place_of_newer_ones() -> None:
    newest = landed(numbers((10, 200.0, Quality.GOOD)), numbers((5, 100.0, Quality.GOOD)))
    assert newest.snapshot()[CURRENT].value == 200.0


def test_of_one_stamp_the_last_sample_counts() -> None:
    newest = landed(numbers((10, 200.0, Quality.GOOD), (10, 201.0, Quality.GOOD)))
    assert newest.snapshot()[CURRENT].value == 201.0


def test_a_stamp_that_cannot_be_true_is_never_the_newest() -> None:
    future = Batch.build(
        PROFILE.id, [CURRENT], [0], [10**18], value=[1.0], quality=[Quality.UNCERTAIN], reason=[0], words=[REASON_CLOCK]
    )
    found = landed(numbers((10, 200.0, Quality.GOOD)), future).snapshot()[CURRENT]
    assert (found.time_ns, found.value) == (10, 200.0)


def test_a_state_that_is_not_good_makes_the_signal_unknown_until_the_next_good_one() -> None:
    newest = landed(Batch.of_states(PROFILE.id, MODE, [1], ["user"]))
    assert (newest.snapshot()[MODE].word, newest.snapshot()[MODE].known) == ("user", True)
    bad = Batch.build(PROFILE.id, [MODE], [0], [2], state=[NO_WORD], quality=[Quality.BAD])
    newest.landed([Arrival("ring", bad)], 0.001)
    assert newest.snapshot()[MODE].known is False
    newest.landed([Arrival("ring", Batch.of_states(PROFILE.id, MODE, [3], ["study"]))], 0.001)
    assert (newest.snapshot()[MODE].word, newest.snapshot()[MODE].known) == ("study", True)


def test_a_store_fills_in_what_has_not_landed_since_the_start() -> None:
    newest = landed(numbers((10, 200.0, Quality.GOOD)))
    newest.start_from(
        {
            CURRENT: LastValue(5, 1.0, None, Quality.GOOD),
            MODE: LastValue(7, float("nan"), "user", Quality.GOOD),
            "ring_link": LastValue(7, float("nan"), "up", Quality.GOOD),
        }
    )
    found = newest.snapshot()
    assert found[CURRENT].value == 200.0
    assert found[MODE].word == "user"
    assert "ring_link" not in found


def test_a_batch_of_many_signals_is_taken_apart() -> None:
    batch = Batch.build(
        PROFILE.id, [CURRENT, "beam_lifetime"], [0, 1, 0], [1, 2, 3], value=np.array([200.0, 7.5, 201.0])
    )
    found = landed(batch).snapshot()
    assert (found[CURRENT].value, found["beam_lifetime"].value) == (201.0, 7.5)
