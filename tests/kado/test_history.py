"""Simulated history in the store: the same samples whichever way it takes."""

from contextlib import closing
from pathlib import Path

from command_line import Kado
from facility.batch import Batch, join_by_signal
from facility.profile import load_profile
from facility.time import parse_time
from kado.config import load_configuration
from kado.service.simulated_history import fill_history
from simulators.machine import Machine
from simulators.scenario import load_scenario
from storage.embedded.store import EmbeddedStore

START, END = parse_time("2026-10-30T15:00:00Z"), parse_time("2026-11-01T03:00:00Z")


def test_history_is_in_the_store_to_the_sample_whether_its_day_is_sealed_or_not(kado: Kado) -> None:
    assert kado("init").exit_code == 0
    here = load_configuration(Path("kado.toml"))
    machine = Machine(here.profile, load_scenario("quiet_week"), 3)
    stored = fill_history(here, machine, START, END, lambda: END)
    made = list(machine.history(START, END))
    assert stored == sum(len(batch) for batch in made)
    with closing(EmbeddedStore(here.data_dir, here.profile.id)) as store:
        for signal in ("stored_current", "machine_mode"):
            expected = [s for batch in made for name, s in batch.by_signal() if name == signal]
            found = store.read(signal, START, END)
            assert found.time_ns.tolist() == [t for s in expected for t in s.time_ns.tolist()]
            assert found.state_words() == [w for s in expected for w in s.state_words()]
            assert found.quality.tolist() == [q for s in expected for q in s.quality.tolist()]
    assert sorted(p.name for p in (here.data_dir / "archive/samples/signal=stored_current/year=2026").iterdir()) == [
        "2026-10-30_2026-10-31.r1.parquet"
    ]
    assert kado("ledger", "--verify").exit_code == 0


def test_history_made_again_changes_nothing_and_is_counted_as_rewritten(kado: Kado) -> None:
    assert kado("init").exit_code == 0
    here = load_configuration(Path("kado.toml"))
    machine = Machine(here.profile, load_scenario("quiet_week"), 3)
    first = fill_history(here, machine, START, END, lambda: END)
    assert fill_history(here, machine, START, END, lambda: END) == first
    with closing(EmbeddedStore(here.data_dir, here.profile.id)) as store:
        assert sum(s.samples for s in store.series() if not s.signal.endswith("_link")) == first
    assert kado("ledger", "--verify").exit_code == 0


def test_sealed_files_have_the_same_bytes_whichever_way_history_was_put_together(tmp_path: Path) -> None:
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario("storm"), 5)
    start, end = parse_time("2026-10-16T00:00:00Z"), parse_time("2026-10-24T00:00:00Z")
    made = {}
    for way in (True, False):
        batches = list(machine.history(start, end, by_signal=way))
        histories = join_by_signal(batches) if way else dict(Batch.concat(batches).by_signal())
        # The clock steps of a storm stamp some samples outside of these days.
        kept = [samples.between(start, end) for samples in histories.values()]
        with closing(EmbeddedStore(tmp_path / str(way), "nanoterasu_sim", read_only=False, clock=lambda: end)) as store:
            store.load_each(kept, before_ns=end)
        files = sorted((tmp_path / str(way) / "archive").rglob("*.parquet"))
        made[way] = {f.relative_to(tmp_path / str(way)): f.read_bytes() for f in files}
    assert len(made[True]) > len(machine.signals)
    assert made[True] == made[False]
