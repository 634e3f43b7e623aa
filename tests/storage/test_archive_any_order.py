"""Any order of writes, late writes, loads, seals, merges, deletions and restarts reads as a dictionary does."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.batch import Batch, Samples
from facility.quality import Quality
from facility.time import NS_PER_DAY
from storage.embedded.store import EmbeddedStore
from storage.store import Written

# Ten hours apart, around the end of a month.
T0 = (20_513 - 3) * NS_PER_DAY
TICK = NS_PER_DAY * 10 // 24
LAST = 24
Fields = tuple[float | None, str | None, int, str | None]
WORDS = ("down", "clock", "up")

sample = st.tuples(
    st.sampled_from(["a", "b"]),
    st.integers(0, LAST),
    st.sampled_from([1.0, 2.0, None]),
    st.sampled_from([None, "up", "down"]),
    st.integers(0, 2),
    st.sampled_from([None, "clock"]),
    st.sampled_from([0, 10**11]),
)
action = st.one_of(
    st.tuples(st.just("write"), st.lists(sample, max_size=20)),
    st.tuples(st.just("load"), st.lists(sample, max_size=20)),
    st.tuples(st.just("seal"), st.integers(0, LAST + 1)),
    st.tuples(st.just("merge"), st.integers(0, LAST + 60)),
    st.tuples(st.just("delete"), st.integers(0, LAST)),
    st.tuples(st.just("restart"), st.none()),
)


def build(rows: list) -> Batch:
    times = np.array([T0 + row[1] * TICK for row in rows], np.int64)
    return Batch.build(
        "ring",
        ["b", "a"],
        [("b", "a").index(row[0]) for row in rows],
        times,
        arrival_ns=times + np.array([row[6] for row in rows], np.int64),
        value=[np.nan if row[2] is None else row[2] for row in rows],
        state=[-1 if row[3] is None else WORDS.index(row[3]) for row in rows],
        quality=[row[4] for row in rows],
        reason=[-1 if row[5] is None else WORDS.index(row[5]) for row in rows],
        words=WORDS,
    )


def fields_of(samples: Samples) -> list[tuple[int, Fields]]:
    numbers = [None if np.isnan(v) else v for v in samples.value.tolist()]
    reasons = [None] * len(samples) if samples.reason is None else [
        None if r < 0 else samples.words[r] for r in samples.reason.tolist()
    ]  # fmt: skip
    ticks = ((samples.time_ns - T0) // TICK).tolist()
    rows = zip(ticks, numbers, samples.state_words(), samples.quality.tolist(), reasons, strict=True)
    return [(tick, (value, state, quality, reason)) for tick, value, state, quality, reason in rows]


def apply(model: dict[tuple[str, int], Fields], rows: list) -> Written:
    rewritten = conflicts = 0
    for signal, tick, value, state, quality, reason, _ in rows:
        before, now = model.get((signal, tick)), (value, state, quality, reason)
        rewritten += before is not None
        conflicts += before is not None and before != now
        model[signal, tick] = now
    return Written(len(rows), rewritten, conflicts)


def load(store: EmbeddedStore, model: dict[tuple[str, int], Fields], rows: list) -> None:
    for signal in ("a", "b"):
        # A load has each time once.
        mine = list({row[1]: row for row in rows if row[0] == signal}.values())
        for _, samples in build(mine).by_signal():
            assert store.load(samples, before_ns=T0 + 20 * TICK, source="file") == apply(model, mine)


@settings(max_examples=60, deadline=None)
@given(st.lists(action, max_size=12), st.integers(0, LAST), st.integers(0, LAST + 1))
def test_the_store_reads_and_counts_as_a_dictionary_does(actions: list, start: int, end: int) -> None:
    model: dict[tuple[str, int], Fields] = {}
    with TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder), "ring", read_only=False)
        try:
            for what, argument in actions:
                if what == "write":
                    assert store.write(build(argument)) == apply(model, argument)
                elif what == "load":
                    load(store, model, argument)
                elif what == "seal":
                    store.seal(T0 + argument * TICK)
                elif what == "merge":
                    store.merge_months(T0 + argument * TICK)
                elif what == "delete":
                    gone = [key for key in model if key[0] == "a" and key[1] < argument]
                    assert store.delete("a", T0 + argument * TICK) == len(gone)
                    for key in gone:
                        del model[key]
                else:
                    store.close()
                    store = EmbeddedStore(Path(folder), "ring", read_only=False)
            check(store, model, start, end)
        finally:
            store.close()


def check(store: EmbeddedStore, model: dict[tuple[str, int], Fields], start: int, end: int) -> None:
    counts = {}
    for signal in ("a", "b"):
        everything = sorted((tick, fields) for (s, tick), fields in model.items() if s == signal)
        if everything:
            counts[signal] = (len(everything), T0 + everything[0][0] * TICK, T0 + everything[-1][0] * TICK)
        inside = [row for row in everything if start <= row[0] < end]
        span = (T0 + start * TICK, T0 + end * TICK)
        assert fields_of(store.read(signal, *span)) == inside
        assert [row for piece in store.read_chunks(signal, *span) for row in fields_of(piece)] == inside
        before = [row for row in everything if row[0] < start][-1:]
        if start < end:
            assert fields_of(store.read(signal, *span, hold=True)) == before + inside
        last = store.last([signal]).get(signal)
        # A sample whose stamp cannot be true is kept, and never the newest.
        believable = [row for row in everything if not (row[1][2] == Quality.UNCERTAIN and row[1][3] == "clock")]
        assert (None if last is None else (last.time_ns - T0) // TICK) == (believable[-1][0] if believable else None)
        if last is not None:
            assert (last.state, last.quality) == (believable[-1][1][1], believable[-1][1][2])
        if start < end:
            buckets = store.buckets(signal, *span, 3)
            assert buckets.count.sum() == sum(f[0] is not None and f[2] < 2 for _, f in inside)
    assert {s.signal: (s.samples, s.first_ns, s.last_ns) for s in store.series()} == counts


def test_arrivals_survive_sealing(tmp_path: Path) -> None:
    rows = [("a", 1, 1.0, None, 0, None, 10**11), ("a", 2, 2.0, None, 0, None, 0)]
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.write(build(rows))
        query = "SELECT time_ns, arrival_ns FROM sample ORDER BY time_ns"
        before = store._connection.execute(query).fetchall()
        assert store.seal(T0 + 10 * NS_PER_DAY).rows_deleted == 2
        assert store._connection.execute(query).fetchall() == []
        store.write(build([("a", 1, 1.0, None, 0, None, 0), ("a", 2, 2.0, None, 0, None, 0)]))
        assert [row[1] for row in before] == [T0 + TICK + 10**11, None]
        assert store._connection.execute(query).fetchall() == [(T0 + TICK, None), (T0 + 2 * TICK, None)]
        assert store.seal(T0 + 10 * NS_PER_DAY).files == 1
        assert store.seal(T0 + 10 * NS_PER_DAY).files == 0
