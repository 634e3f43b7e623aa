"""Four made-up rings with two fiscal years each, in folders of their own: a sample each five minutes, or more.

Top-up at 200 mA with noise; from year to year some 120 outages of minutes to hours, glitches, gaps, low beam, and a
second monitor that sees most of it. The rings differ by their seed alone.
"""

from collections.abc import Container, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from facility.batch import Samples
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from kado.config import load_configuration
from kado.service.importing import add_versions
from storage.embedded.store import EmbeddedStore

RINGS: Final = ("ring_a", "ring_b", "ring_c", "ring_d")
YEARS: Final = ("FY2023", "FY2024")
_EDGES: Final = tuple(parse_time(f"{year}-04-01T00:00:00+09:00") for year in (2023, 2024, 2025))
_PROFILE: Final = """
id = "{name}"
name = {{ en = "{name} (made up)", ja = "{name}（架空）" }}
time_zone = "Asia/Tokyo"
delivery_signal = "stored_current"
target_availability_pct = 99.0
simulated = true
signal = [
    {{ id = "stored_current", unit = "mA", period_s = {period_s}, physical_max = 600.0, witness = "second_monitor" }},
    {{ id = "second_monitor", unit = "mA", period_s = {witness_period_s}, physical_max = 600.0 }},
]
limits = [{{ from = 2020-01-01, nominal = 199.0, recovered = 195.0, tolerance = 190.0, minimum = 8.0 }}]
"""


def make_fleet(folder: Path, period_s: int = 300, sealed: Container[str] = RINGS) -> list[Path]:
    """Make the rings, those in `sealed` as sealed files; return their configurations, in order of name."""
    return [_make_ring(folder / name, seed, period_s, sealed=name in sealed) for seed, name in enumerate(RINGS)]


def _make_ring(folder: Path, seed: int, period_s: int, *, sealed: bool) -> Path:
    folder.mkdir(parents=True)
    path = folder / "kado.toml"
    path.write_text('facility = "ring.toml"\n', encoding="utf-8")
    profile = _PROFILE.format(name=folder.name, period_s=float(period_s), witness_period_s=float(max(10, period_s)))
    (folder / "ring.toml").write_text(profile, encoding="utf-8")
    configuration = load_configuration(path)
    add_versions(configuration, (_calendar(),), "made up")
    with closing(EmbeddedStore(configuration.data_dir, folder.name, read_only=False)) as store:
        for year in range(len(YEARS)):
            for samples in _year(folder.name, year, seed, period_s):
                store.load(samples, before_ns=_EDGES[-1] + NS_PER_DAY if sealed else _EDGES[0])
    return path


def _calendar() -> ScheduleVersion:
    """Five days of user time, one of study, one of maintenance, week by week."""
    blocks: list[Block] = []
    at = _EDGES[0] - NS_PER_DAY
    while at < _EDGES[-1]:
        for days, category in ((5, Category.USER), (1, Category.STUDY), (1, Category.MAINTENANCE)):
            blocks.append(Block(at, at + days * NS_PER_DAY, category))
            at += days * NS_PER_DAY
    return ScheduleVersion.of(_EDGES[0] - 60 * NS_PER_DAY, blocks)


def _year(name: str, year: int, seed: int, period_s: int) -> Iterator[Samples]:
    """Yield the second monitor, then the stored current."""
    start, end = _EDGES[year], _EDGES[year + 1]
    seconds = (end - start) // NS_PER_S
    rng = np.random.default_rng([seed, year])
    time_ns = start + period_s * NS_PER_S * np.arange(seconds // period_s, dtype=np.int64)
    value = np.round(200.3 + 0.2 * rng.standard_normal(len(time_ns)) - 0.002 * (np.arange(len(time_ns)) % 180), 3)

    def somewhere(count: int, shortest_s: int, longest_s: int) -> list[slice]:
        begins = rng.integers(0, seconds, count)
        lengths = rng.integers(shortest_s, longest_s, count)
        return [slice(a // period_s, (a + n) // period_s + 1) for a, n in zip(begins, lengths, strict=True)]

    for low in somewhere(20, 600, 7_200):
        value[low] = 150.0
    for out in somewhere(120, 120, 21_600):
        value[out] = 0.01
    every = max(10, period_s) // period_s
    second = value[::every].copy()
    for fault in somewhere(10, 600, 1_800):  # which the second monitor does not confirm
        value[fault] = 0.01
    keep = np.ones(len(value), bool)
    for gap in somewhere(50, 30, 7_200):
        keep[gap] = False
    yield Samples.sorted(name, "second_monitor", time_ns[::every], second)
    yield Samples.sorted(name, "stored_current", time_ns[keep], value[keep])
