"""Eight facility-years, on one process, on several, on a Dask cluster: the same bytes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import Answer, run
from fatal import square
from kado.config import load_configuration
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.fleet_workers import Lost, cluster
from made_up_fleet import RINGS, YEARS, make_fleet

dask = pytest.importorskip("dask", reason="needs the extra [cluster]")
distributed = pytest.importorskip("distributed", reason="needs the extra [cluster]")


# After the calendar was recorded, which is when the test runs.
KNOWN_ON = "2199-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the rings are sealed, two are rows."""
    folder = tmp_path_factory.mktemp("fleet")
    make_fleet(folder, sealed=RINGS[:2])
    return folder


def local_cluster(processes: int) -> Any:
    """Return a scheduler, on free ports of the loopback, and so many processes with a thread each."""
    return distributed.LocalCluster(
        n_workers=processes, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """One worker, more with ``scale``; a single death makes a piece suspect."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), local_cluster(1) as started:
        yield started


def figures(folder: Path, *how: str) -> Answer:
    periods = [word for year in YEARS for word in ("-p", year)]
    pattern = str(folder / "*" / "kado.toml")
    return run("fleet", "figures", "-c", pattern, *periods, "--as-known-on", KNOWN_ON, "--format", "json", *how)


def test_eight_facility_years_are_the_same_bytes_whoever_computes_them(rings: Path, workers: Any) -> None:
    alone = figures(rings)
    assert (alone.exit_code, alone.err) == (0, "")
    entries = alone.document
    assert [(e["availability"]["facility"], e["period"]) for e in entries] == [(r, y) for r in RINGS for y in YEARS]
    # They are different machines, and each has something to count.
    assert len({e["availability"]["figures"]["availability_pct"] for e in entries}) == 8
    assert all(e["availability"]["counts"]["failures"] > 50 for e in entries)
    assert figures(rings, "--workers", "2") == alone
    assert figures(rings, "--cluster", workers.scheduler_address) == alone
    workers.scale(2)
    workers.wait_for_workers(2, timeout=120)
    assert figures(rings, "--cluster", workers.scheduler_address) == alone


def test_a_piece_that_kills_its_workers_is_lost_alone(workers: Any) -> None:
    with cluster(workers.scheduler_address) as on_cluster:
        answers = list(on_cluster(square, [1, -2, 3]))
    assert [a for a in answers if not isinstance(a, Lost)] == [1, 9]
    assert isinstance(answers[1], Lost)


def test_a_cluster_without_workers_is_said_not_waited_for(rings: Path) -> None:
    with local_cluster(0) as empty:
        answer = figures(rings, "--cluster", empty.scheduler_address)
    assert (answer.exit_code, answer.out) == (3, "")
    assert "has no workers: start some with 'dask worker tcp://127.0.0.1:" in answer.err


@pytest.mark.parametrize("ring", RINGS[1:3])
def test_two_years_cut_into_months_come_to_the_same(rings: Path, ring: str) -> None:
    configuration = load_configuration(rings / ring / "kado.toml")

    def found(period: str) -> AvailabilityReport:
        return load_availability(configuration, period, "sls", KNOWN_ON)

    months = [f"{2023 + (m + 3) // 12}-{(m + 3) % 12 + 1:02}" for m in range(24)]
    parts = [found(month).availability for month in months]
    for whole, several in (
        (found("2023-04-01T00:00:00+09:00/2025-04-01T00:00:00+09:00").availability, parts),
        (found("FY2023").availability, parts[:12]),
        (found("FY2024").availability, parts[12:]),
    ):
        for name in whole.accounts.__slots__:
            assert getattr(whole.accounts, name) == sum(getattr(p.accounts, name) for p in several), name
        for name in ("failures", "trips", "low_beam", "distortions", "glitches", "sensor_faults"):
            assert getattr(whole.counts, name) == sum(getattr(p.counts, name) for p in several), name
        cost = Counter[str]()
        for part in several:
            cost.update({r.event.id(ring): r.user_time_ns for r in part.events})
        assert cost == {r.event.id(ring): r.user_time_ns for r in whole.events}
        assert sum(not r.carried_over for part in several for r in part.events) == len(whole.events)
