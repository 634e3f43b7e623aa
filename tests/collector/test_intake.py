"""Intake lets through what is right, rejects what is wrong by its cause, and marks what is doubtful."""

import json
import tracemalloc

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.causes import Cause
from collector.intake import Intake
from facility.batch import Batch
from facility.errors import DataError
from facility.profile import load_profile
from facility.quality import Quality
from facility.source import Delivery, LinkReport, Rejection
from storage.influxdb.line_protocol import encode

NOW = 1_795_431_969_000_000_000
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def intake() -> Intake:
    return Intake(load_profile("nanoterasu_sim"), ["ring"], lambda: NOW)


def numbers(*values: float, signal: str = "stored_current", quality: list[int] | None = None) -> Batch:
    times = NOW - np.arange(len(values))[::-1]
    return Batch.build(
        "nanoterasu_sim", [signal], [0] * len(values), times, value=values, quality=quality or [0] * len(values)
    )


def states(*words: str, signal: str = "machine_mode") -> Batch:
    return Batch.of_states("nanoterasu_sim", signal, [NOW - i for i in range(len(words))], words)


def causes(arrival: Arrival) -> dict[str, int]:
    return {r.cause: r.count for r in arrival.rejected}


def test_what_is_right_passes_unchanged(intake: Intake) -> None:
    for batch in (numbers(200.1, 200.2), states("user", "study")):
        arrival = intake.check("ring", Delivery(batch))
        assert arrival.batch is batch
        assert arrival.rejected == ()
        assert arrival.samples == 2


@pytest.mark.parametrize(
    ("batch", "cause", "detail"),
    [
        (
            numbers(1.0, signal="stored_curent"),
            Cause.UNKNOWN_SIGNAL,
            "nanoterasu_sim has no signal 'stored_curent': correct the mapping, or add it to the profile"
            " (at 2026-11-23T11:06:09Z)",
        ),
        (
            numbers(NAN),
            Cause.NOT_FINITE,
            "stored_current = nan: only a sample of quality bad may have no number (NaN), none is infinite"
            " (at 2026-11-23T11:06:09Z)",
        ),
        (numbers(INF, quality=[2]), Cause.NOT_FINITE, "stored_current = inf: only"),
        (numbers(NAN, quality=[1]), Cause.NOT_FINITE, "stored_current = nan: only"),
        (numbers(1.0, quality=[3]), Cause.UNKNOWN_QUALITY, "stored_current has quality 3: use good, uncertain, bad"),
        (
            states("user", signal="stored_current"),
            Cause.WRONG_TYPE,
            "stored_current = 'user', and the profile wants a number",
        ),
        (
            numbers(1.0, signal="machine_mode"),
            Cause.WRONG_TYPE,
            "machine_mode = 1.0, and the profile wants one of the states maintenance, refill, shutdown, study, tuning",
        ),
        (numbers(NAN, signal="machine_mode"), Cause.MISSING_VALUE, "machine_mode: no value, and not marked bad"),
        (
            states("User"),
            Cause.UNKNOWN_STATE,
            "machine_mode = 'User' is not one of its states: maintenance, refill, shutdown, study, tuning, user",
        ),
        (states("broken", signal="ring_link"), Cause.UNKNOWN_STATE, "ring_link = 'broken' is not one of its states"),
        (states("up", signal="other_link"), Cause.UNKNOWN_SIGNAL, "nanoterasu_sim has no signal 'other_link'"),
    ],
)
def test_what_is_wrong_is_rejected_with_its_cause(intake: Intake, batch: Batch, cause: Cause, detail: str) -> None:
    arrival = intake.check("ring", Delivery(batch))
    assert arrival.batch is None
    assert causes(arrival) == {cause: 1}
    assert arrival.rejected[0].detail.startswith(detail)


@pytest.mark.parametrize("time_ns", [-(2**63), -(2**63) + 1, 2**63 - 1])
def test_a_stamp_that_a_store_cannot_hold_is_rejected(intake: Intake, time_ns: int) -> None:
    batch = Batch.of_numbers("nanoterasu_sim", "stored_current", [time_ns], [1.0])
    assert causes(intake.check("ring", Delivery(batch))) == {Cause.TIME_OUT_OF_RANGE: 1}


def test_the_right_ones_pass_beside_the_wrong_ones_and_all_are_counted(intake: Intake) -> None:
    batch = numbers(1.0, NAN, 2.0, INF, NAN, 3.0)
    before = Rejection(Cause.BAD_JSON, "ring/x", b"{", "not JSON", NOW)
    arrival = intake.check("ring", Delivery(batch, rejected=(before,)))
    assert arrival.batch is not None
    assert arrival.batch.value.tolist() == [1.0, 2.0, 3.0]
    assert causes(arrival) == {Cause.BAD_JSON: 1, Cause.NOT_FINITE: 3}
    assert arrival.rejected[1].detail.endswith("; and 2 more")


def test_what_is_rejected_is_kept_so_that_it_can_be_replayed(intake: Intake) -> None:
    (rejection,) = intake.check("ring", Delivery(states("User", "Study"))).rejected
    assert rejection.address == "machine_mode"
    assert json.loads(rejection.payload) == [
        {"signal": "machine_mode", "time": NOW, "value": "User", "quality": "good"},
        {"signal": "machine_mode", "time": NOW - 1, "value": "Study", "quality": "good"},
    ]


def test_a_bad_sample_may_have_no_number(intake: Intake) -> None:
    assert intake.check("ring", Delivery(numbers(NAN, quality=[2]))).rejected == ()
    assert intake.check("ring", Delivery(numbers(NAN, signal="machine_mode", quality=[2]))).rejected == ()


@pytest.mark.parametrize(
    ("ahead_s", "quality", "expected"),
    [
        (1.9, Quality.GOOD, Quality.GOOD),
        (2.1, Quality.GOOD, Quality.UNCERTAIN),
        (2.1, Quality.UNCERTAIN, Quality.UNCERTAIN),
        (2.1, Quality.BAD, Quality.BAD),
    ],
)
def test_a_stamp_in_the_future_is_kept_and_marked(
    intake: Intake, ahead_s: float, quality: Quality, expected: Quality
) -> None:
    time_ns = [NOW - 5, NOW + int(ahead_s * 1e9)]
    batch = Batch.of_numbers("nanoterasu_sim", "stored_current", time_ns, [1.0, 2.0], [0, quality])
    after = intake.check("ring", Delivery(batch)).batch
    assert after is not None
    assert after.time_ns.tolist() == time_ns
    assert after.quality.tolist() == [0, expected]
    reasons = [None if r < 0 else after.words[r] for r in after.reason.tolist()]
    assert reasons == [None, "clock" if ahead_s > 2 else None]


STARTED = 1_711_897_200_000_000_000  # 2024-04-01 00:00 in Japan: operation started, and the first limits hold.
EPICS_EPOCH = 631_152_000_000_000_000


def test_nothing_is_too_old_since_operation_started(intake: Intake) -> None:
    batch = Batch.of_numbers("nanoterasu_sim", "stored_current", [STARTED], [1.0])
    assert intake.check("ring", Delivery(batch)).batch is batch


@pytest.mark.parametrize("time_ns", [STARTED - 1, EPICS_EPOCH, 0, -(2**63) + 2])
def test_a_stamp_from_before_there_was_a_signal_is_kept_and_marked(intake: Intake, time_ns: int) -> None:
    batch = Batch.of_numbers("nanoterasu_sim", "stored_current", [time_ns, NOW], [0.0, 1.0])
    after = intake.check("ring", Delivery(batch)).batch
    assert after is not None
    assert (after.time_ns.tolist(), after.value.tolist()) == ([time_ns, NOW], [0.0, 1.0])
    assert after.quality.tolist() == [Quality.UNCERTAIN, Quality.GOOD]
    assert [None if r < 0 else after.words[r] for r in after.reason.tolist()] == ["too_early", None]


@pytest.mark.parametrize("reason", ["", "two\nlines", "x" * 1001, "half \ud800"])
def test_a_reason_that_a_store_cannot_hold_rejects_its_sample_alone(intake: Intake, reason: str) -> None:
    batch = Batch.build(
        "nanoterasu_sim", ["stored_current"], [0, 0], [NOW - 1, NOW], value=[1.0, 2.0], quality=[1, 1],
        reason=[0, 1], words=["MINOR", reason],
    )  # fmt: skip
    arrival = intake.check("ring", Delivery(batch))
    assert arrival.batch is not None
    assert (arrival.batch.value.tolist(), arrival.batch.words) == ([1.0], ("MINOR",))
    assert causes(arrival) == {Cause.UNSTORABLE: 1}


@pytest.mark.parametrize("word", ["", "two\nlines", "x" * 5000])
def test_the_word_of_a_rejected_state_does_not_stay_with_the_others(intake: Intake, word: str) -> None:
    arrival = intake.check("ring", Delivery(states("user", word, "study")))
    assert arrival.batch is not None
    assert arrival.batch.words == ("user", "study")
    assert [arrival.batch.words[code] for code in arrival.batch.state] == ["user", "study"]
    assert causes(arrival) == {Cause.UNKNOWN_STATE: 1}
    assert len(arrival.rejected[0].detail) < 400
    assert encode(arrival.batch).count(b"\n") == 2


def test_as_many_words_as_samples_take_time_and_memory_of_the_samples_alone() -> None:
    template = load_profile("nanoterasu_sim")
    modes = [template.signal("machine_mode").model_copy(update={"id": f"mode_{i}"}) for i in range(1000)]
    profile = template.model_copy(update={"signals": (*template.signals, *modes)})
    n = 200_000
    batch = Batch.build(
        "nanoterasu_sim", [m.id for m in modes], np.arange(n) % 1000, NOW - np.arange(n), state=np.arange(n),
        words=[f"word {i}" for i in range(n)],
    )  # fmt: skip
    tracemalloc.start()
    arrival = Intake(profile, ["ring"], lambda: NOW).check("ring", Delivery(batch))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert arrival.batch is None
    assert sum(r.count for r in arrival.rejected) == n
    # Signals times words would be 200 MB.
    assert peak < 60e6


def test_a_sample_on_which_the_checks_fail_is_set_aside_alone(intake: Intake) -> None:
    # A source that is wrong: the code of the signal says nothing.
    batch = Batch.build("nanoterasu_sim", ["stored_current"], [0, 0, 7, 0], [NOW] * 4, value=[1.0, 2.0, 3.0, 4.0])
    arrival = intake.check("ring", Delivery(batch))
    assert arrival.batch is not None
    assert arrival.batch.value.tolist() == [1.0, 2.0, 4.0]
    assert causes(arrival) == {Cause.PROCESSING_FAILED: 1}


def test_samples_of_another_facility_are_never_mixed_in(intake: Intake) -> None:
    batch = Batch.of_numbers("nanoterasu", "stored_current", [NOW], [1.0])
    with pytest.raises(DataError, match="delivers samples of facility 'nanoterasu', and this is 'nanoterasu_sim'"):
        intake.check("ring", Delivery(batch))


@pytest.mark.parametrize(("state", "reason"), [("up", ""), ("down", "UnreachableError"), ("down", "down")])
def test_a_report_of_the_link_becomes_a_state_that_passes_intake(intake: Intake, state: str, reason: str) -> None:
    arrival = intake.link("ring", LinkReport(NOW, "up" if state == "up" else "down", reason))
    batch = arrival.batch
    assert batch is not None
    assert (batch.signals, batch.time_ns.tolist()) == (("ring_link",), [NOW])
    assert batch.words[batch.state[0]] == state
    assert ("" if batch.reason[0] < 0 else batch.words[batch.reason[0]]) == reason
    assert intake.check("ring", Delivery(batch)).batch is batch


def test_every_cause_has_words_for_people() -> None:
    for cause in Cause:
        assert cause.words.en
        assert cause.words.ja
