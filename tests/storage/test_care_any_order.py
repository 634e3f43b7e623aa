"""Any order of writes, loads, seals, merges, retention, backups and restarts leaves a store that is whole."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.time import MAX_NS, NS_PER_DAY
from storage.backup.backup import Backup
from storage.backup.restore import restore
from storage.backup.snapshots import find_snapshot, read_snapshot
from storage.databases import verify_databases
from storage.embedded.maintenance.verifying import verify_files
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import open_reader

# Ten hours apart, around the end of a month.
T0 = (20_513 - 3) * NS_PER_DAY
TICK = NS_PER_DAY * 10 // 24
LAST = 24
SIGNALS = ("a", "b")
Model = dict[tuple[str, int], float]

sample = st.tuples(st.sampled_from(SIGNALS), st.integers(0, LAST), st.sampled_from([1.0, 2.0, 3.0]))
action = st.one_of(
    st.tuples(st.just("write"), st.lists(sample, min_size=1, max_size=20)),
    st.tuples(st.just("load"), st.lists(sample, min_size=1, max_size=20)),
    st.tuples(st.just("seal"), st.integers(0, LAST + 1)),
    st.tuples(st.just("merge"), st.integers(0, LAST + 60)),
    st.tuples(st.just("retain"), st.tuples(st.integers(1, 12), st.integers(0, LAST + 30))),
    st.tuples(st.just("back up"), st.none()),
    st.tuples(st.just("restart"), st.none()),
)


def write(store: EmbeddedStore, model: Model, rows: list[tuple[str, int, float]], *, load: bool) -> None:
    latest = {(signal, tick): value for signal, tick, value in rows}
    for name in SIGNALS:
        mine = sorted((tick, value) for (signal, tick), value in latest.items() if signal == name)
        if not mine:
            continue
        times = np.array([T0 + tick * TICK for tick, _ in mine], np.int64)
        batch = Batch.of_numbers("ring", name, times, [value for _, value in mine])
        if load:
            store.load(next(batch.by_signal())[1], before_ns=T0 + 20 * TICK, source="file")
        else:
            store.write(batch)
    model.update(latest)


def retain(store: EmbeddedStore, model: Model, days: int, now: int) -> None:
    """Keep `a` for some days: what went is all of it before an instant, and nothing that the rule does not cover."""
    now_ns = T0 + now * TICK
    newest = max((T0 + tick * TICK for _, tick in model), default=now_ns)
    covered = min(now_ns, newest + NS_PER_DAY) // NS_PER_DAY * NS_PER_DAY - days * NS_PER_DAY
    for dropped in store.retain({"a": days}.get, now_ns):
        assert dropped.signal == "a"
        assert dropped.before_ns <= covered
        gone = [key for key in model if key[0] == "a" and T0 + key[1] * TICK < dropped.before_ns]
        assert len(gone) == dropped.samples > 0
        for key in gone:
            del model[key]


def held(store: EmbeddedStore) -> Model:
    found: Model = {}
    for signal in SIGNALS:
        samples = store.read(signal, -MAX_NS, MAX_NS)
        ticks = ((samples.time_ns - T0) // TICK).tolist()
        found |= {(signal, tick): value for tick, value in zip(ticks, samples.value.tolist(), strict=True)}
    return found


def assert_whole(data_dir: Path, model: Model) -> None:
    with closing(open_reader(data_dir)) as connection:
        assert verify_databases(connection, data_dir, deep=True) == []
        assert verify_files(connection, data_dir, deep=True).findings == ()
    with closing(EmbeddedStore(data_dir, "ring")) as store:
        assert held(store) == model
        assert verify_ledger(read_ledger(data_dir), store) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(action, max_size=14))
def test_a_store_that_is_looked_after_stays_whole(actions: list[tuple[str, object]]) -> None:
    model: Model = {}
    backed_up: Model | None = None
    with TemporaryDirectory() as folder:
        data, backups = Path(folder, "data"), Path(folder, "backups")
        store = EmbeddedStore(data, "ring", read_only=False)
        try:
            for what, argument in actions:
                match what, argument:
                    case "write" | "load", list():
                        write(store, model, argument, load=what == "load")
                    case "seal", int():
                        store.seal(T0 + argument * TICK)
                    case "merge", int():
                        store.merge_months(T0 + argument * TICK)
                    case "retain", (int(days), int(now)):
                        retain(store, model, days, now)
                    case "back up", _:
                        assert Backup(data, backups, lambda: T0).make(simulated=True).problems == ()
                        backed_up = dict(model)
                    case _:
                        store.close()
                        store = EmbeddedStore(data, "ring", read_only=False)
                assert held(store) == model
        finally:
            store.close()
        assert_whole(data, model)
        if backed_up is not None:
            restore(read_snapshot(find_snapshot(backups)), Path(folder, "again"), "ring", "embedded")
            assert_whole(Path(folder, "again"), backed_up)
