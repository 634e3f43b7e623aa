"""Worked examples, from samples through the whole chain to the figures."""

import csv
from pathlib import Path

import numpy as np
import pytest

from analytics.availability import Availability
from analytics.figures import mtbf_h
from facility.batch import Samples
from facility.definition import Mtbf, load_definition
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Block, Category, ScheduleVersion, resolve
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, parse_time
from made_up_ring import SIGNAL, ring
from one_period import availability

# A week of user time: 120 h.
START = parse_time("2025-05-12T10:00:00+09:00")
END = parse_time("2025-05-17T10:00:00+09:00")
BREAKFAST = ("2025-05-13T02:00:00+09:00", "2025-05-13T03:30:00+09:00")
SOON_AFTER = ("2025-05-13T04:10:00+09:00", "2025-05-13T05:00:00+09:00")
TWO_DAYS_LATER = ("2025-05-15T14:00:00+09:00", "2025-05-15T14:30:00+09:00")


def week(*outages: tuple[str, str], merge: bool = True, mtbf: Mtbf | None = None) -> Availability:
    """Count a week sampled each second, 200 mA but for the outages, by the definition `sls`."""
    sls = load_definition("sls")
    changes = ({} if merge else {"merge_gap_s": 0.0}) | ({} if mtbf is None else {"mtbf": mtbf})
    times = np.arange(START, END, NS_PER_S, dtype=np.int64)
    down = Intervals.of((parse_time(a), parse_time(b)) for a, b in outages)
    value = np.full(len(times), 200.0)
    for start, end in down:
        value[(times >= start) & (times < end)] = 0.0
    plan = resolve([ScheduleVersion.of(START - 60 * NS_PER_DAY, [Block(START, END, Category.USER)])])
    return availability(
        ring(),
        sls.model_copy(update=changes),
        plan,
        Samples.sorted("ring", SIGNAL, times, value),
        Period("week", START, END),
        now_ns=END,
    )


@pytest.mark.parametrize(
    ("outages", "merge", "down_h", "failures", "availability_pct", "mtbf", "mttr_h"),
    [
        ((BREAKFAST, TWO_DAYS_LATER), True, 2.0, 2, 98.3333, (40.0, 60.0, 59.0), 1.0),
        ((BREAKFAST, SOON_AFTER), True, 3.0, 1, 97.5, (60.0, 120.0, 117.0), 3.0),
        ((BREAKFAST, SOON_AFTER), False, 2.3333, 2, 98.0556, (40.0, 60.0, 58.8333), 1.1667),
    ],
    ids=["apart", "40 min of beam between, merged", "the same, merge off"],
)
def test_a_week_with_two_outages_gives_the_figures_that_were_worked_out_by_hand(
    outages: tuple[tuple[str, str], ...],
    merge: bool,
    down_h: float,
    failures: int,
    availability_pct: float,
    mtbf: tuple[float, float, float],
    mttr_h: float,
) -> None:
    counted = week(*outages, merge=merge)
    assert counted.accounts.user_time == 120 * NS_PER_H
    assert counted.accounts.unknown == 0
    assert counted.accounts.no_beam / NS_PER_H == pytest.approx(down_h, abs=5e-5)
    assert counted.counts.failures == failures
    figures = counted.figures
    assert figures.availability_pct == pytest.approx(availability_pct, abs=5e-5)
    assert (figures.availability_lower_pct, figures.availability_upper_pct) == (figures.availability_pct,) * 2
    assert figures.mttr_h == pytest.approx(mttr_h, abs=5e-5)
    by_formula = [week(*outages, merge=merge, mtbf=formula).figures.mtbf_h for formula in Mtbf]
    assert by_formula == pytest.approx(mtbf, abs=5e-5)


def test_the_merged_week_is_downtime_from_the_first_loss_to_the_last_return() -> None:
    (event,) = week(BREAKFAST, SOON_AFTER).events
    assert (event.event.start_ns, event.event.end_ns) == (parse_time(BREAKFAST[0]), parse_time(SOON_AFTER[1]))
    assert event.event.parts == 2


def test_aps_run_2011_3_is_published_as_219_7_h_and_99_6_percent_and_both_agree_on_the_downtime() -> None:
    # 1,545 h scheduled, 7 faults; no downtime is published. MTBF rounds to 219.7 h for 6.75 to 7.45 h of downtime,
    # availability rounds to 99.6 % for 5.4 to 6.95 h: together they leave 6.75 to 6.95 h.
    def published(down_h: float) -> tuple[float, float]:
        mtbf = mtbf_h(Mtbf.KNOWN_UPTIME_PER_FAILURE, 1545 * NS_PER_H, round(down_h * NS_PER_H), 7)
        assert mtbf is not None
        return round(mtbf, 1), round(100 * (1545 - down_h) / 1545, 1)

    assert published(6.80) == published(6.95 - 1e-6) == (219.7, 99.6)
    assert published(6.74) != (219.7, 99.6)
    assert published(6.96) != (219.7, 99.6)


def petra3(path: Path) -> Samples:
    """Read the measured current of a morning and an afternoon."""
    with path.open(newline="") as file:
        rows = [(parse_time(row["time_utc"]), float(row["beam_current_mA"])) for row in csv.DictReader(file)]
    return Samples.sorted("petra3", "stored_current", [t for t, _ in rows], [v for _, v in rows])


def test_petra3_has_190_gaps_and_no_outage_is_invented_in_them(petra3_csv: Path) -> None:
    profile = Profile.model_validate(
        {
            "id": "petra3",
            "name": {"en": "PETRA III", "ja": "PETRA III"},
            "time_zone": "Europe/Berlin",
            "delivery_signal": "stored_current",
            "signal": [{"id": "stored_current", "unit": "mA", "period_s": 2.0}],
            "limits": [{"from": "2017-01-01", "nominal": 100.0, "tolerance": 95.0, "minimum": 5.0}],
        },
        strict=False,
    )
    samples = petra3(petra3_csv)
    start, end = int(samples.time_ns[0]), int(samples.time_ns[-1])
    plan = resolve([ScheduleVersion.of(start - 60 * NS_PER_DAY, [Block(start, end, Category.USER)])])
    period = Period("beam time", start, end)
    counted = availability(profile, load_definition("nanoterasu"), plan, samples, period, now_ns=end)

    assert counted.counts.failures == 0
    assert counted.accounts.no_beam == 0
    assert len(counted.unknown) == 190
    assert counted.accounts.unknown == 23_817_067_000_000
    assert counted.figures.coverage_pct == pytest.approx(42.2, abs=0.05)
    assert counted.provisional
    assert counted.figures.availability_pct == 100.0
    # A gap shorter than 3 s could hide a glitch only; everything else could hide an outage.
    assert counted.figures.availability_upper_pct == 100.0
    lower = counted.figures.availability_lower_pct
    assert lower is not None
    assert 42.2 < lower < 42.5
