"""Samples as columns: of equal times the last one wins, and codes keep their words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facility.batch import NO_WORD, Batch, Samples, join_by_signal
from facility.errors import DataError
from facility.quality import QUALITY_WORDS, Quality

row = st.tuples(
    st.sampled_from(["current", "mode", "lifetime"]),
    st.integers(0, 8),
    st.one_of(st.floats(0, 10), st.sampled_from(["user", "study", "refill"])),
    st.sampled_from(list(Quality)),
    st.sampled_from([None, "clock", "MAJOR"]),
)
Row = tuple[str, int, float | str, Quality, str | None]
rows = st.lists(row, max_size=12)


def batch_of(data: list[Row]) -> Batch:
    signals = list(dict.fromkeys(r[0] for r in data))
    words = list(dict.fromkeys(w for r in data for w in (r[2], r[4]) if isinstance(w, str)))
    return Batch.build(
        "ring",
        signals,
        [signals.index(r[0]) for r in data],
        [r[1] for r in data],
        value=[np.nan if isinstance(r[2], str) else r[2] for r in data],
        state=[words.index(r[2]) if isinstance(r[2], str) else NO_WORD for r in data],
        quality=[r[3] for r in data],
        reason=[words.index(r[4]) if r[4] is not None else NO_WORD for r in data],
        words=words,
    )


def rows_of(batch: Batch) -> list[Row]:
    words = (*batch.words, None)
    columns = zip(
        batch.signal.tolist(),
        batch.time_ns.tolist(),
        batch.value.tolist(),
        batch.state.tolist(),
        batch.quality.tolist(),
        batch.reason.tolist(),
        strict=True,
    )
    return [
        (batch.signals[s], t, value if words[state] is None else str(words[state]), Quality(quality), words[reason])
        for s, t, value, state, quality, reason in columns
    ]


@given(rows)
def test_of_equal_times_the_last_one_wins(data: list[Row]) -> None:
    found: dict[tuple[str, int], Row] = {}
    for name, samples in batch_of(data).by_signal():
        words = [None] * len(samples) if samples.reason is None else [(*samples.words, None)[c] for c in samples.reason]
        for k, state in enumerate(samples.state_words()):
            value = float(samples.value[k]) if state is None else state
            key = (name, int(samples.time_ns[k]))
            assert key not in found
            found[key] = (*key, value, Quality(samples.quality[k]), words[k])
        assert samples.time_ns.tolist() == sorted(samples.time_ns.tolist())
    assert found == {(r[0], r[1]): r for r in data}


@given(rows, rows, rows)
def test_joined_batches_say_what_they_said_apart(a: list[Row], b: list[Row], c: list[Row]) -> None:
    joined = Batch.concat([batch_of(a), batch_of(b), batch_of(c)])
    assert rows_of(joined) == a + b + c
    assert len(set(joined.words)) == len(joined.words)
    assert len(set(joined.signals)) == len(joined.signals)


@given(rows, st.data())
def test_taking_samples_keeps_their_words(data: list[Row], draw: st.DataObject) -> None:
    mask = np.array([draw.draw(st.booleans()) for _ in data], dtype=bool)
    kept = [r for r, keep in zip(data, mask, strict=True) if keep]
    assert rows_of(batch_of(data).take(mask)) == kept
    assert rows_of(batch_of(data).take(np.flatnonzero(mask))) == kept


def test_a_batch_has_one_facility() -> None:
    a, b = (Batch.of_numbers(f, "current", [1], [1.0]) for f in ("ring", "linac"))
    with pytest.raises(DataError, match=r"batches of \['linac', 'ring'\] cannot be joined: a batch has one facility"):
        Batch.concat([a, b])
    with pytest.raises(DataError, match=r"batches of \[\] cannot be joined"):
        Batch.concat([])


def test_what_is_left_out_is_neutral() -> None:
    batch = Batch.build("ring", ["current"], [0, 0], [5, 6])
    assert np.isnan(batch.value).all()
    assert batch.arrival_ns.tolist() == [5, 6]
    assert (batch.state.tolist(), batch.reason.tolist(), batch.quality.tolist()) == ([-1, -1], [-1, -1], [0, 0])


def test_columns_of_another_length_or_type_are_refused() -> None:
    with pytest.raises(DataError) as error:
        Batch.build("ring", ["current"], [0], [1, 2])
    assert str(error.value) == "batch: column signal is int32[1], wanted int32[2]"
    with pytest.raises(DataError) as error:
        Samples("ring", "current", np.array([1.0]), np.array([1.0]), np.zeros(1, np.uint8))  # type: ignore[arg-type]  # a wrong dtype: this is tested
    assert str(error.value) == "samples of current: column time_ns is float64[1], wanted int64[1]"


@pytest.mark.parametrize("times", [[1, 1], [2, 1]])
def test_samples_are_strictly_increasing_in_time(times: list[int]) -> None:
    with pytest.raises(DataError, match="samples of current are not strictly increasing in time: sort and merge them"):
        Samples("ring", "current", np.array(times), np.ones(2), np.zeros(2, np.uint8))


def test_a_range_of_samples_includes_its_start_and_not_its_end() -> None:
    samples = Samples.sorted("ring", "current", [3, 1, 2, 4], [3.0, 1.0, 2.0, 4.0])
    assert samples.between(2, 4).value.tolist() == [2.0, 3.0]
    assert np.shares_memory(samples.between(2, 4).value, samples.value)
    assert len(samples.between(5, 9)) == len(samples.between(3, 3)) == 0


@given(rows, rows)
def test_pieces_that_follow_each_other_are_joined(a: list[Row], b: list[Row]) -> None:
    def mode(data: list[Row]) -> Samples:
        parts = dict(batch_of(data).by_signal())
        return parts.get("mode", Samples.empty("ring", "mode"))

    later: list[Row] = [(r[0], r[1] + 100, *r[2:]) for r in b]
    joined = Samples.joined([mode(a), mode(later)])
    assert joined.time_ns.tolist() == mode(a + later).time_ns.tolist()
    assert joined.state_words() == mode(a + later).state_words()


def said(samples: Samples) -> list[tuple[int, str, int, str | None, str | None]]:
    """Return time, value (NaN is its own equal), quality, state and reason of each sample."""
    words, none = (*samples.words, None), [NO_WORD] * len(samples)
    reasons = none if samples.reason is None else samples.reason.tolist()
    columns = (samples.time_ns.tolist(), samples.value.tolist(), samples.quality.tolist(), samples.state_words())
    return [(t, repr(v), q, s, words[r]) for t, v, q, s, r in zip(*columns, reasons, strict=True)]


@given(rows)
def test_samples_that_lie_together_by_signal_are_the_same(data: list[Row]) -> None:
    batch = batch_of(data)
    together = batch.take(np.argsort(batch.signal, kind="stable"))
    assert [(n, said(s)) for n, s in together.by_signal()] == [(n, said(s)) for n, s in batch.by_signal()]


def test_samples_that_lie_together_by_signal_are_not_copied() -> None:
    batch = Batch.build("ring", ["current", "mode", "lifetime"], [0, 0, 2, 2], [1, 2, 1, 2], value=[1.0, 2.0, 3.0, 4.0])
    found = dict(batch.by_signal())
    assert {name: samples.value.tolist() for name, samples in found.items()} == {
        "current": [1.0, 2.0],
        "lifetime": [3.0, 4.0],
    }
    assert all(np.shares_memory(samples.value, batch.value) for samples in found.values())


@given(rows, rows, st.sampled_from([0, 8, 9, 100]))
def test_batches_joined_by_signal_say_what_one_batch_of_them_says(a: list[Row], b: list[Row], later: int) -> None:
    batches = [batch_of(a), batch_of([(r[0], r[1] + later, *r[2:]) for r in b])]
    whole = dict(Batch.concat(batches).by_signal())
    joined = join_by_signal(batches)
    assert list(joined) == list(whole)
    assert {name: said(samples) for name, samples in joined.items()} == {n: said(s) for n, s in whole.items()}


def test_batches_of_two_facilities_or_none_are_not_joined_by_signal() -> None:
    a, b = (Batch.of_numbers(f, s, [1], [1.0]) for f, s in (("ring", "current"), ("linac", "energy")))
    with pytest.raises(DataError, match=r"batches of \['linac', 'ring'\] cannot be joined: a batch has one facility"):
        join_by_signal([a, b])
    with pytest.raises(DataError, match=r"batches of \[\] cannot be joined"):
        join_by_signal([])


def test_pieces_of_two_signals_are_not_joined() -> None:
    with pytest.raises(DataError, match="cannot be joined: they must be of one signal"):
        Samples.joined([Samples.empty("ring", "a"), Samples.empty("ring", "b")])


def test_states_keep_their_words_in_order_of_time() -> None:
    batch = Batch.of_states("ring", "mode", [2, 1, 3], ["study", "user", "study"])
    ((_, samples),) = batch.by_signal()
    assert samples.state_words() == ["user", "study", "study"]
    assert np.isnan(samples.value).all()
    numbers = Samples.sorted("ring", "current", [1], [1.0])
    assert numbers.state_words() == [None]


def test_quality_has_words() -> None:
    assert QUALITY_WORDS == ("good", "uncertain", "bad")
    assert [Quality.from_word(word) for word in QUALITY_WORDS] == list(Quality)
    with pytest.raises(KeyError):
        Quality.from_word("GOOD")
