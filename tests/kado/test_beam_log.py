"""The running service logs beam lost and beam back, also while the store is away."""

import logging
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from command_line import Kado
from facility.batch import Batch
from facility.time import NS_PER_S, parse_time
from kado.config import load_configuration
from kado.service.beam_log import BeamLog

T0 = parse_time("2026-11-12T13:00:00+09:00")


class Ring:
    """A beam log, and what lands beside it, second by second."""

    def __init__(self) -> None:
        self.now_ns = T0
        self.log = BeamLog(load_configuration(Path("kado.toml")), lambda: self.now_ns)

    def runs(self, seconds: int, value: float | None) -> None:
        """Let samples land for some time; None: none come."""
        times = self.now_ns + np.arange(seconds, dtype=np.int64) * NS_PER_S
        self.now_ns += seconds * NS_PER_S
        if value is not None:
            batch = Batch.of_numbers("nanoterasu_sim", "stored_current", times, np.full(seconds, value))
            self.log.landed([Arrival("ring", batch)], 0.0)
        self.log.look()


@pytest.fixture
def ring(kado: Kado, caplog: pytest.LogCaptureFixture) -> Ring:
    assert kado("init").exit_code == 0
    caplog.set_level(logging.INFO, "kado.service.beam_log")
    return Ring()


def test_beam_lost_and_beam_back_are_log_lines_with_time_and_length(
    ring: Ring, caplog: pytest.LogCaptureFixture
) -> None:
    ring.runs(60, 400.0)
    ring.runs(60, 400.0)
    (first,) = caplog.records
    assert first.message == "SIMULATED: beam up at 2026-11-12T13:00:00+09:00, unknown before (nothing planned)"
    caplog.clear()
    for _ in range(5):
        ring.runs(60, 0.0)
    ring.runs(60, 400.0)
    assert [r.message for r in caplog.records] == [
        "SIMULATED: beam lost at 2026-11-12T13:02:00+09:00 (nothing planned)",
        "SIMULATED: beam back at 2026-11-12T13:07:00+09:00, after 0:05:00 (nothing planned)",
    ]
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]


def test_low_beam_and_silence_are_told_apart_from_an_outage(ring: Ring, caplog: pytest.LogCaptureFixture) -> None:
    ring.runs(60, 400.0)
    ring.runs(60, 100.0)
    ring.runs(60, None)
    assert [r.message.split(": ")[1].split(" since")[0] for r in caplog.records[1:]] == ["low beam", "beam unknown"]


def test_a_sample_that_came_late_counts(ring: Ring, caplog: pytest.LogCaptureFixture) -> None:
    ring.runs(60, 400.0)
    begun = ring.now_ns
    ring.runs(60, None)
    late = Batch.of_numbers("nanoterasu_sim", "stored_current", begun + np.arange(60) * NS_PER_S, np.full(60, 400.0))
    ring.log.landed([Arrival("ring", late)], 0.0)
    ring.log.look()
    assert caplog.records[-1].message.startswith("SIMULATED: beam back at")


def test_an_outage_of_a_day_is_told_with_its_whole_length(ring: Ring, caplog: pytest.LogCaptureFixture) -> None:
    ring.runs(60, 400.0)
    for _ in range(24):
        ring.runs(3600, 0.0)
    ring.runs(60, 400.0)
    assert caplog.records[-1].message == (
        "SIMULATED: beam back at 2026-11-13T13:01:00+09:00, after 24:00:00 (nothing planned)"
    )
