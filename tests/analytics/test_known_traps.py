"""The traps that other systems' figures fell into: for each, what the obvious method says, and what kado says.

They are listed, with these tests, in docs/explanation/accounting.md. Times in seconds, unless said otherwise.
"""

import json
import re
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from analytics.availability import Availability
from collector.payload.format import Targets
from collector.payload.json_samples import JsonFormat
from facility.period import parse_period
from facility.profile import load_profile
from facility.schedule import resolve
from facility.time import NS_PER_H, NS_PER_S, format_time, parse_time
from kado.language import in_language
from kado.output import title
from made_up_ring import account, at, current, ring, rules, samples, version

Told = list[tuple[float, float]]
MINIMUM = 10.0


def down_s(counted: Availability) -> float:
    """Return the time without beam."""
    return counted.accounts.no_beam / NS_PER_S


def test_1_interpolating_across_an_archive_gap_turns_the_gap_into_beam() -> None:
    told = current((0, 200), until=1000, silent=[(100, 700)])
    times, values = zip(*told, strict=True)
    naive = np.interp(np.arange(1000.0), times, values)
    assert np.count_nonzero(naive >= MINIMUM) == 1000
    counted = account(told, (0, 1000))
    # The last sample before the gap, of 99, holds for 10 s.
    assert (counted.accounts.delivered / NS_PER_S, counted.accounts.unknown / NS_PER_S) == (409, 591)


def test_2_an_outage_open_at_an_edge_of_the_window_is_counted() -> None:
    told = current((0, 0), (50, 200), (950, 0), until=1000)
    low = np.array([value < MINIMUM for _, value in told])
    falls = np.flatnonzero(low[1:] & ~low[:-1]) + 1
    rises = np.flatnonzero(~low[1:] & low[:-1]) + 1
    # Every outage has a fall and a rise behind it: here there is none such.
    assert [(a, b) for a in falls for b in rises if a < b] == []
    counted = account(told, (0, 1000))
    assert (counted.counts.failures, down_s(counted)) == (2, 100)


def test_3_a_high_glitch_set_to_zero_becomes_an_outage() -> None:
    told = current((0, 200), (100, 9999), (105, 200), until=200)
    naive = [(t, 0.0 if value > 600 else value) for t, value in told]
    assert account(naive, (0, 200)).counts.failures == 1
    counted = account(told, (0, 200))
    assert (counted.counts.failures, down_s(counted), counted.accounts.unknown) == (0, 0, 0)


def test_4_a_key_that_is_missing_is_not_read_as_zero() -> None:
    profile = load_profile("nanoterasu_sim")
    messages = [{"time": at(s), "value": 200.0} for s in range(20)]
    for lost in range(5, 10):
        del messages[lost]["value"]
    naive = [(float(s), float(m.get("value", 0))) for s, m in enumerate(messages)]
    assert account(naive, (0, 20)).counts.failures == 1
    reader = JsonFormat(Targets.of(profile, ("stored_current",)), {"ring/current": "stored_current"}, 1024)
    batch, rejected = reader.decode([_Message(json.dumps(m).encode()) for m in messages], at(20))
    assert batch is not None
    assert [r.cause for r in rejected] == ["missing_value"] * 5
    counted = account(zip((batch.time_ns - at(0)) / NS_PER_S, batch.value.tolist(), strict=True), (0, 20))
    assert (counted.counts.failures, down_s(counted)) == (0, 0)


def test_5_months_cut_in_utc_book_an_outage_in_the_wrong_month() -> None:
    lost, back = parse_time("2025-06-01T03:00:00+09:00"), parse_time("2025-06-01T04:00:00+09:00")
    assert format_time(lost, ZoneInfo("UTC")).startswith("2025-05-31")
    first, last = (round((ns - at(0)) / NS_PER_S) for ns in (lost - 24 * NS_PER_H, back + 24 * NS_PER_H))
    edges = [(t - at(0)) / NS_PER_S for t in (lost, back)]
    told = current((first, 200), (edges[0], 0), (edges[1], 200), until=last, every=5.0)
    plan = resolve([version((first, last, "user"))])
    may, june = (
        account(told, parse_period(month, ZoneInfo("Asia/Tokyo")), plan=plan, window=(first, last))
        for month in ("2025-05", "2025-06")
    )
    assert [(m.counts.failures, down_s(m)) for m in (may, june)] == [(0, 0), (1, 3600)]


def test_6_polling_every_20_s_misses_a_trip_of_two_seconds() -> None:
    every_sample = current((0, 200), (103, 0), (105, 200), until=300, every=0.1)
    polled = [(t, value) for t, value in every_sample if round(10 * t) % 200 == 0]
    slow, strict = ring(period_s=20.0, stale_after_s=None), rules(min_duration_s=1.0)
    assert account(polled, (0, 300), profile=slow, definition=strict).counts.failures == 0
    counted = account(every_sample, (0, 300), definition=strict)
    assert (counted.counts.failures, down_s(counted)) == (1, 2)


def test_7_the_monitors_own_downtime_is_not_the_machines() -> None:
    told = current((0, 200), until=9000, silent=[(100, 8000)])
    spoken = dict(told)
    naive = [(float(t), spoken.get(float(t), 0.0)) for t in range(9000)]
    assert down_s(account(naive, (0, 9000))) == 7900
    counted = account(told, (0, 9000))
    assert (counted.counts.failures, down_s(counted), counted.accounts.unknown / NS_PER_S) == (0, 0, 7891)


def test_8_an_outage_is_not_made_a_shutdown_afterwards() -> None:
    told = current((0, 200), (100, 0), (400, 200), until=1000)
    planned, excuse = version((0, 1000, "user")), version((100, 400, "shutdown"), published_s=400)
    naive = resolve([version((0, 100, "user"), (100, 400, "shutdown"), (400, 1000, "user"))])
    assert account(told, (0, 1000), plan=naive).figures.availability_pct == 100
    counted = account(told, (0, 1000), plan=resolve([planned, excuse]))
    assert (counted.figures.availability_pct, counted.counts.failures) == (70, 1)


def test_9_values_sampled_unevenly_are_weighed_by_time() -> None:
    # Sampled each second while down, and each ten while up.
    told = [*current((0, 0), until=100), *current((100, 200), until=1000, every=10)]
    up = [value >= MINIMUM for _, value in told]
    assert (sum(up), len(up)) == (90, 190)
    assert account(told, (0, 1000)).figures.availability_pct == 90


def test_10_simulated_data_are_never_shown_as_real() -> None:
    simulated = load_profile("nanoterasu_sim")
    real = simulated.model_copy(update={"simulated": False})
    told = samples(current((0, 200), until=100))
    for profile in (simulated, real):
        assert account(told, (0, 100), profile=profile).simulated == profile.simulated
    with in_language("en"):
        assert "SIMULATED" in title(simulated, "availability").plain
    with in_language("ja"):
        assert "模擬データ" in title(simulated, "availability").plain
    assert "SIMULATED" not in title(real, "availability").plain


def test_the_list_of_traps_names_these_tests() -> None:
    text = (Path(__file__).parents[2] / "docs" / "explanation" / "accounting.md").read_text("utf-8")
    own = {name for name in vars(sys.modules[__name__]) if re.match(r"test_\d+_", name)}
    assert set(re.findall(r"`(test_\d+_\w+)`", text)) == own
    assert len(own) == 10


class _Message:
    """What the MQTT inbox hands to a payload format."""

    def __init__(self, payload: bytes) -> None:
        self.payload, self.topic, self.retain, self.dup = payload, "ring/current", False, False
