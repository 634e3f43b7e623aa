"""A simulated ring is the same whoever asks, and does what calendar and faults say."""

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from facility.batch import Batch
from facility.profile import load_profile
from facility.schedule import Category
from facility.source import LinkReport
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, format_time, parse_time
from simulators.machine import Machine
from simulators.scenario import Effect, load_scenario

PROFILE = load_profile("nanoterasu_sim")
COLUMNS = ("signal", "time_ns", "value", "state", "quality")


def machine(scenario: str = "demo", seed: int = 1) -> Machine:
    return Machine(PROFILE, load_scenario(scenario), seed)


def own_machine(tmp_path: Path, faults: str, seed: int = 1) -> Machine:
    path = tmp_path / "own.toml"
    path.write_text('id = "own"\ntitle = { en = "Own", ja = "自作" }\n' + faults, encoding="utf-8")
    return machine(str(path), seed)


def span(start: str, end: str) -> tuple[int, int]:
    return parse_time(f"{start}+09:00"), parse_time(f"{end}+09:00")


def bytes_of(batches: list[Batch]) -> list[bytes]:
    """Return each column of batches joined, as bytes; states as words."""
    joined = Batch.concat(batches)
    words = [joined.words[code] for code in joined.state[joined.state >= 0].tolist()]
    return [*(getattr(joined, name).tobytes() for name in COLUMNS if name != "state"), " ".join(words).encode()]


def signal_of(batches: list[Batch], name: str = "stored_current") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    joined = Batch.concat(batches)
    which = joined.signal == joined.signals.index(name)
    return joined.time_ns[which], joined.value[which], joined.quality[which]


def said_by(batches: list[Batch], name: str = "machine_mode") -> list[tuple[int, str]]:
    """Return (stamp, word) of a state."""
    joined = Batch.concat(batches)
    which = joined.signal == joined.signals.index(name)
    words = [joined.words[code] for code in joined.state[which].tolist()]
    return list(zip(joined.time_ns[which].tolist(), words, strict=True))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    week = span("2026-11-09T00:00", "2026-11-12T00:00")
    once, again, other = (bytes_of(list(machine(seed=s).history(*week))) for s in (1, 1, 2))
    assert once == again
    assert once != other


def test_a_day_is_the_same_alone_backwards_and_after_the_days_before_it() -> None:
    days = range(parse_time("2026-11-08T00:00Z") // NS_PER_DAY, parse_time("2026-11-13T00:00Z") // NS_PER_DAY)
    in_order = machine()
    expected = [bytes_of([in_order.day(day)]) for day in days]
    backwards = machine()
    assert [bytes_of([backwards.day(day)]) for day in reversed(days)][::-1] == expected
    assert [bytes_of([machine().day(day)]) for day in days] == expected


def test_history_in_any_pieces_is_the_same_history() -> None:
    start, end = span("2026-11-10T03:00", "2026-11-12T17:00:01")
    whole = bytes_of(list(machine().history(start, end)))
    cuts = [start, start + 1, start + 7 * NS_PER_S, start + 20 * NS_PER_H, start + 20 * NS_PER_H + 333, end]
    stepped = machine()
    pieces = [b for a, z in pairwise(cuts) for b in stepped.history(a, z)]
    assert bytes_of(pieces) == whole


def test_history_comes_in_order_of_time_at_most_a_day_at_once() -> None:
    batches = list(machine().history(*span("2026-11-01T00:00", "2026-11-04T00:00")))
    assert all(np.all(np.diff(b.time_ns) >= 0) for b in batches)
    assert all(b.time_ns[-1] // NS_PER_DAY == b.time_ns[0] // NS_PER_DAY for b in batches)


def test_exactly_the_signals_of_the_profile_arrive_at_their_periods() -> None:
    day = next(machine("quiet_week").history(*span("2026-11-11T09:00", "2026-11-12T09:00")))
    assert sorted(day.signals) == sorted(s.id for s in PROFILE.signals)
    counts = dict(zip(day.signals, np.bincount(day.signal).tolist(), strict=True))
    shutters = {name: counts.pop(name) for name in list(counts) if name.startswith("shutter_")}
    assert counts == {
        "stored_current": 86_400,
        "stored_current_2": 8640,
        "beam_lifetime": 8640,
        "machine_mode": 1440,
        "ion_chamber": 1440,
        "vacuum_pressure": 1440,
        "rf_voltage": 1440,
        "orbit_x_rms": 1440,
        "orbit_y_rms": 1440,
    }
    assert len(shutters) == 28
    assert all(counts >= 24 for counts in shutters.values())


def test_in_a_quiet_week_users_always_have_beam_above_nominal() -> None:
    quiet = machine("quiet_week")
    start, end = span("2026-11-09T00:00", "2026-11-16T00:00")
    times, value, _ = signal_of(list(quiet.history(start, end)))
    (user,) = quiet.plan(start, end).user_time.clip(start, end)
    users = value[(times >= user[0]) & (times < user[1])]
    assert (user[1] - user[0]) / NS_PER_H == 120
    assert users.min() > 397.9
    assert users.max() < 400.4


def test_the_ring_is_empty_in_maintenance_and_shutdown_and_the_mode_says_so() -> None:
    quiet = machine("quiet_week")
    batches = list(quiet.history(*span("2026-11-09T12:00", "2026-11-09T13:00")))
    _, value, _ = signal_of(batches)
    assert np.abs(value).max() < 0.02
    assert {word for _, word in said_by(batches)} == {"maintenance"}
    assert {word for _, word in said_by(batches, "shutter_01")} == {"closed"}


def test_the_machine_says_its_mode_at_each_change_and_every_minute() -> None:
    start, end = span("2026-11-10T09:59", "2026-11-10T10:02")
    said = said_by(list(machine("quiet_week").history(start, end)))
    assert [(format_time(t, PROFILE.zone)[11:19], word) for t, word in said] == [
        ("09:59:00", "tuning"),
        ("10:00:00", "user"),
        ("10:01:00", "user"),
    ]


def test_a_beam_dump_is_seen_by_the_next_sample_and_by_the_second_monitor() -> None:
    dump = machine("beam_dump")
    start, end = span("2026-11-12T13:24:00", "2026-11-12T13:25:00")
    batches = list(dump.history(start, end))
    times, value, quality = signal_of(batches)
    low = times[value < 20]
    assert format_time(int(low[0]), PROFILE.zone) == "2026-11-12T13:24:11+09:00"
    assert not quality.any()
    second_times, second, _ = signal_of(batches, "stored_current_2")
    assert second_times[second < 20].tolist() == [start + 20 * NS_PER_S + i * 10 * NS_PER_S for i in range(4)]


def test_at_a_monitor_dropout_the_current_reads_zero_and_good_while_the_second_monitor_sees_the_beam() -> None:
    demo = machine()
    fault = _first(demo, Effect.MONITOR_DROPOUT)
    batches = list(demo.history(fault.start_ns, fault.end_ns))
    _, value, quality = signal_of(batches)
    assert np.all(value == 0.0)
    assert not quality.any()
    assert fault.end_ns - fault.start_ns > 120 * NS_PER_S
    _, second, quality = signal_of(batches, "stored_current_2")
    assert second.min() > 350
    assert not quality.any()


def test_a_glitch_is_one_or_two_samples_at_zero_marked_good() -> None:
    demo = machine()
    fault = _first(demo, Effect.MONITOR_GLITCH)
    _, value, quality = signal_of(list(demo.history(fault.start_ns - 5 * NS_PER_S, fault.end_ns + 5 * NS_PER_S)))
    assert 1 <= np.count_nonzero(value < 20) <= 2
    assert not quality.any()


def test_in_a_link_outage_nothing_arrives_and_the_link_is_reported_once_the_last_sample_has_gone_stale() -> None:
    demo = machine()
    fault = _first(demo, Effect.LINK_OUTAGE)
    assert list(demo.history(fault.start_ns, fault.end_ns)) == []
    reports = demo.links(fault.start_ns - NS_PER_H, fault.end_ns + NS_PER_H)
    assert reports == (
        LinkReport(fault.start_ns + 15 * NS_PER_S, "down", "simulated outage"),
        LinkReport(fault.end_ns, "up"),
    )
    assert demo.link_is_lost(fault.end_ns - 1)
    assert not demo.link_is_lost(fault.end_ns)


def test_what_is_due_each_month_happens_each_month_in_user_time() -> None:
    demo = machine()
    for month in ("2026-02", "2026-08", "2026-11"):
        period = PROFILE.period(month)
        user_time = demo.plan(period.start_ns, period.end_ns).intervals(Category.USER, Category.RESERVE)
        faults = [
            f for f in demo.faults(period.start_ns, period.end_ns) if period.start_ns <= f.start_ns < period.end_ns
        ]
        counts = {key: sum(f.cause == key for f in faults) for key in ("network", "current_monitor", "rf", "vacuum")}
        assert counts == {"network": 1, "current_monitor": 1, "rf": 2, "vacuum": 1}
        assert all(user_time.contains(f.start_ns) for f in faults if f.cause != "magnet_supply")


def test_ten_of_28_shutters_open_for_users_and_close_when_the_beam_is_lost() -> None:
    dump = machine("beam_dump")
    batches = list(dump.history(*span("2026-11-12T12:00", "2026-11-12T15:00")))
    ports = [f"shutter_{port:02}" for port in range(1, 29)]
    moving = [port for port in ports if any(word == "open" for _, word in said_by(batches, port))]
    assert moving == ports[:10]
    down = span("2026-11-12T13:24:20", "2026-11-12T13:50")
    for port in moving:
        before = [word for t, word in said_by(batches, port) if t < down[0]]
        during = [word for t, word in said_by(batches, port) if down[0] < t < down[1]]
        assert before
        assert set(during) <= {"closed"}


def test_outside_user_time_every_shutter_is_closed() -> None:
    study = list(machine("quiet_week").history(*span("2026-11-15T10:00:10", "2026-11-15T20:00")))
    assert all({w for _, w in said_by(study, f"shutter_{port:02}")} == {"closed"} for port in range(1, 29))


def test_what_surrounds_the_ring_follows_the_beam_and_the_causes_of_its_loss(tmp_path: Path) -> None:
    lost = own_machine(
        tmp_path,
        '[[fault]]\ncause = "rf"\neffect = "beam_dump"\nat = [2026-11-12T04:00:00+09:00]\n'
        "length_s = { median = 600, spread = 1, min = 600, max = 600 }\n"
        '[[fault]]\ncause = "vacuum"\neffect = "beam_dump"\nat = [2026-11-12T08:00:00+09:00]\n'
        "length_s = { median = 600, spread = 1, min = 600, max = 600 }\n",
    )

    def mean(name: str, start: str, end: str) -> float:
        _, value, _ = signal_of(list(lost.history(*span(f"2026-11-12T{start}", f"2026-11-12T{end}"))), name)
        return float(value.mean())

    assert mean("ion_chamber", "03:00", "04:00") == pytest.approx(20.0, abs=0.2)
    assert mean("ion_chamber", "04:01", "04:09") == pytest.approx(0.0, abs=0.02)
    assert mean("rf_voltage", "03:00", "04:00") == pytest.approx(3.6, abs=0.01)
    assert mean("rf_voltage", "04:01", "04:09") == pytest.approx(0.0, abs=0.01)
    assert mean("rf_voltage", "08:01", "08:09") == pytest.approx(3.6, abs=0.01)
    assert mean("vacuum_pressure", "03:00", "04:00") == pytest.approx(100.0, abs=3)
    assert mean("vacuum_pressure", "04:01", "04:09") == pytest.approx(20.0, abs=1)
    assert mean("vacuum_pressure", "08:01", "08:09") == pytest.approx(600.0, abs=20)
    _, orbit, quality = signal_of(list(lost.history(*span("2026-11-12T04:01", "2026-11-12T04:09"))), "orbit_x_rms")
    assert (orbit.max(), set(quality.tolist())) == (0.0, {2})


def test_random_faults_are_as_many_and_as_long_as_asked(tmp_path: Path) -> None:
    often = own_machine(
        tmp_path,
        '[[fault]]\ncause = "rf"\neffect = "beam_dump"\nper_month = 30\n'
        "length_s = { median = 600, spread = 2, min = 1, max = 86400 }\n",
    )
    start = parse_time("2026-04-01T00:00Z")
    faults = [f for f in often.faults(start, start + 3000 * NS_PER_DAY) if f.start_ns >= start]
    assert len(faults) == pytest.approx(3000, abs=4 * 3000**0.5)
    lengths = np.array([f.end_ns - f.start_ns for f in faults]) / NS_PER_S
    assert np.median(lengths) == pytest.approx(600, rel=0.06)
    assert np.std(np.log(lengths)) == pytest.approx(np.log(2), rel=0.06)


def test_faults_listed_in_pieces_are_the_faults_listed_at_once() -> None:
    demo = machine()
    start = parse_time("2026-10-01T00:00Z")
    at_once = demo.faults(start, start + 30 * NS_PER_DAY)
    by_day = {f for i in range(30) for f in demo.faults(start + i * NS_PER_DAY, start + (i + 1) * NS_PER_DAY)}
    assert sorted(by_day) == list(at_once)


def test_a_daily_fault_happens_every_day_at_its_local_time(tmp_path: Path) -> None:
    daily = own_machine(
        tmp_path,
        '[[fault]]\ncause = "rf"\neffect = "beam_dump"\nat = [04:30:00]\n'
        "length_s = { median = 60, spread = 1, min = 60, max = 60 }\n",
    )
    faults = daily.faults(*span("2026-11-10T00:00", "2026-11-12T00:00"))
    assert [format_time(f.start_ns, PROFILE.zone) for f in faults] == [
        "2026-11-10T04:30:00+09:00",
        "2026-11-11T04:30:00+09:00",
    ]


def test_the_ramp_raises_the_current_on_its_dates() -> None:
    ramp = machine("ramp_to_400ma")
    for day, low, high in (
        ("2024-06-20", 159.0, 160.4),
        ("2024-07-18", 198.9, 200.4),
        ("2025-10-02", 248.7, 250.4),
        ("2026-06-25", 397.9, 400.4),
    ):
        _, value, _ = signal_of(list(ramp.history(*span(f"{day}T12:00", f"{day}T13:00"))))
        assert low < value.min() <= value.max() < high


def test_400_ma_is_shown_in_machine_studies_before_users_get_it() -> None:
    ramp = machine("ramp_to_400ma")
    _, study, _ = signal_of(list(ramp.history(*span("2025-07-13T14:00", "2025-07-13T15:00"))))
    _, user, _ = signal_of(list(ramp.history(*span("2025-07-15T14:00", "2025-07-15T15:00"))))
    assert study.min() > 397.9
    assert user.max() < 200.4


def test_a_month_at_one_hertz_takes_seconds_at_most() -> None:
    november = PROFILE.period("2026-11")
    began = time.perf_counter()
    for _ in machine().history(november.start_ns, november.end_ns):
        pass
    assert time.perf_counter() - began < 60  # 0.6 s where nothing else runs


def _first(simulated: Machine, effect: Effect):
    period = PROFILE.period("2026-11")
    return next(f for f in simulated.faults(period.start_ns, period.end_ns) if f.effect is effect)
