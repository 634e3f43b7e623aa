"""A process that is killed at any step of sealing loses nothing and doubles nothing."""

import signal
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

import sealing_until_killed as script
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch, Samples
from facility.time import NS_PER_DAY, NS_PER_S
from sealed_days import Archive
from storage.embedded.archive.choice import MARK
from storage.embedded.archive.swap import Step

EVER = (script.DAY - 10**17, script.DAY + 10**17)


def prepare(archive: Archive) -> None:
    """Make three sealed days, late rows over two of them, rows of two more days, and another signal."""
    with closing(archive.open()) as store:
        for day in range(5):
            samples = script.history(script.DAY + day * NS_PER_DAY, 300 * NS_PER_S, 288, 1000.0 * day)
            store.write(Batch.of_numbers("ring", "current", samples.time_ns, samples.value))
            if day < 3:
                store.seal(script.DAY + (day + 1) * NS_PER_DAY)
        late = script.history(script.DAY, 9000 * NS_PER_S, 15, -1.0)
        store.write(Batch.of_numbers("ring", "current", late.time_ns, late.value))
        store.write(Batch.of_states("ring", "ring_link", [script.DAY, script.DAY + 1], ["up", "down"]))


def kill(archive: Archive, what: str, step: Step, times: int) -> bool:
    """Return whether the step was reached."""
    arguments = [str(archive.data_dir), what, step, str(times), *([archive.address] if archive.address else [])]
    done = subprocess.run([sys.executable, script.__file__, *arguments], check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


def held(archive: Archive) -> Samples:
    with closing(archive.open(read_only=True)) as store:
        samples = store.read("current", *EVER)
        counted = {s.signal: s.samples for s in store.series()}
        assert counted.get("current", 0) == len(samples)
        assert verify_ledger(read_ledger(archive.data_dir), store) == []
    return samples


def files(archive: Archive) -> list[str]:
    paths = (path for path in archive.root.rglob("*") if path.is_file() and path.name != MARK)
    return sorted(str(path.relative_to(archive.root)) for path in paths)


@pytest.mark.parametrize("step", list(Step))
def test_sealing_and_merging_lose_and_double_nothing(archive: Archive, step: Step) -> None:
    prepare(archive)
    before = held(archive)
    reached = 0
    for what, times in (("seal", 1), ("seal", 2), ("merge", 1)):
        reached += kill(archive, what, step, times)
        after = held(archive)
        assert np.array_equal(after.time_ns, before.time_ns)
        assert np.array_equal(after.value, before.value)
    assert reached
    with closing(archive.open()) as store:
        script.work(store, "seal")
        script.work(store, "merge")
        rows = store._connection.execute("SELECT count(*) FROM sample").fetchone()
        named = store._connection.execute("SELECT sum(1 + (minutes_size > 0)) FROM archive_file").fetchone()
    assert rows == (0,)
    assert named == (len(files(archive)),) == (3,)
    assert np.array_equal(held(archive).value, before.value)


@pytest.mark.parametrize("step", [step for step in Step if step != Step.ROWS_DELETED])
def test_a_load_goes_on_where_it_was_killed_and_counts_once(archive: Archive, step: Step) -> None:
    archive.open().close()
    for times in (1, 2):
        kill(archive, "load", step, times)
        held(archive)
    with closing(archive.open()) as store:
        script.work(store, "load")
    assert held(archive).value.tolist() == [5.0 + i for i in range(1000)]
    (totals,) = read_ledger(archive.data_dir).sources()
    assert (totals.source, totals.missing, totals.stored - totals.rewritten, totals.conflict) == (
        "back_fill", 0, 1000, 0,
    )  # fmt: skip


@pytest.mark.parametrize("step", list(Step))
def test_what_a_killed_deletion_has_not_deleted_is_there(archive: Archive, step: Step) -> None:
    prepare(archive)
    before = held(archive)
    until = script.DAY + NS_PER_DAY + 3600 * NS_PER_S
    kill(archive, "delete", step, 1)
    after = held(archive)
    assert np.array_equal(after.between(until, EVER[1]).value, before.between(until, EVER[1]).value)
    with closing(archive.open()) as store:
        script.work(store, "delete")
    assert np.array_equal(held(archive).value, before.between(until, EVER[1]).value)
