"""What is one failure, in which user time, and which period counts it. Times in seconds.

Limits, unless given: nominal 199, recovered 195, tolerance 190, minimum 10 mA; a sample a second.
"""

from zoneinfo import ZoneInfo

import pytest

from analytics.availability import Availability
from facility.errors import PeriodError, ProfileError
from facility.period import parse_period
from facility.schedule import resolve
from facility.time import NS_PER_S
from made_up_ring import account, at, calendar, current, ring, rules, span, step, version


def times(counted: Availability) -> dict[str, float]:
    """Delivered, no-beam, unknown and low-beam time, in seconds."""
    names = ("delivered", "no_beam", "unknown", "low_beam")
    return {name: getattr(counted.accounts, name) / NS_PER_S for name in names}


# --- The merge rule


def test_outages_less_than_the_merge_gap_apart_are_one_and_all_between_is_no_beam() -> None:
    told = current((0, 200), (100, 0), (200, 200), (3799, 0), (3900, 200), until=5000)
    counted = account(told, (0, 5000), definition=rules(merge_gap_s=3600.0))
    assert counted.counts.failures == 1
    assert times(counted)["no_beam"] == 3800


def test_outages_exactly_60_minutes_apart_are_not_merged() -> None:
    told = current((0, 200), (100, 0), (200, 200), (3800, 0), (3900, 200), until=5000)
    counted = account(told, (0, 5000), definition=rules(merge_gap_s=3600.0))
    assert counted.counts.failures == 2
    assert times(counted)["no_beam"] == 200


def test_a_merge_gap_of_zero_merges_nothing() -> None:
    told = current((0, 200), (100, 0), (200, 200), (201, 0), (300, 200), until=400)
    counted = account(told, (0, 400))
    assert counted.counts.failures == 2
    assert times(counted)["no_beam"] == 199


def test_merging_goes_on_from_outage_to_outage() -> None:
    told = current(
        (0, 200), *((t, v) for k in range(5) for t, v in ((100 + 50 * k, 0), (110 + 50 * k, 200))), until=400
    )
    counted = account(told, (0, 400), definition=rules(merge_gap_s=41.0))
    assert counted.counts.failures == 1
    assert times(counted)["no_beam"] == 210


def test_low_beam_inside_a_merged_event_is_neither_booked_nor_counted() -> None:
    told = current((0, 200), (100, 0), (200, 200), (250, 150), (300, 200), (350, 0), (400, 200), until=1000)
    apart = account(told, (0, 1000))
    assert (times(apart)["low_beam"], apart.counts.low_beam, apart.counts.distortions) == (50, 1, 3)
    merged = account(told, (0, 1000), definition=rules(merge_gap_s=200.0))
    assert (times(merged)["low_beam"], merged.counts.low_beam, merged.counts.distortions) == (0, 0, 1)


def test_outages_are_merged_inside_one_stretch_of_user_time_only() -> None:
    told = current((0, 200), (100, 0), (150, 200), (260, 0), (300, 200), until=400)
    merge = rules(merge_gap_s=3600.0)
    parted = calendar((0, 200, "user"), (200, 250, "maintenance"), (250, 400, "user"))
    counted = account(told, (0, 400), plan=parted, definition=merge)
    assert counted.counts.failures == 2
    assert times(counted)["no_beam"] == 90


def test_abutting_blocks_of_user_and_reserve_are_one_stretch_of_user_time() -> None:
    told = current((0, 200), (100, 0), (150, 200), (260, 0), (300, 200), until=400)
    abutting = calendar((0, 200, "user"), (200, 250, "reserve"), (250, 400, "user"))
    counted = account(told, (0, 400), plan=abutting, definition=rules(merge_gap_s=3600.0))
    assert counted.counts.failures == 1
    assert times(counted)["no_beam"] == 200


def test_events_are_clipped_to_user_time_before_they_are_merged() -> None:
    # 20 s of beam between the outages, but the second one reaches user time only at 300: 150 s after the first.
    told = current((0, 200), (100, 0), (150, 200), (170, 0), (350, 200), until=400)
    plan = calendar((0, 160, "user"), (160, 300, "study"), (300, 400, "user"))
    counted = account(told, (0, 400), plan=plan, definition=rules(merge_gap_s=100.0))
    assert counted.counts.failures == 2
    assert times(counted)["no_beam"] == 100


# --- User time


def test_user_time_is_user_and_reserve_and_nothing_else_counts() -> None:
    plan = calendar(
        (0, 100, "user"), (100, 200, "reserve"), (200, 300, "study"), (300, 400, "tuning"), (400, 500, "maintenance"),
        (500, 600, "shutdown"), (600, 700, "commissioning"),
    )  # fmt: skip
    counted = account(current((0, 200), (150, 0), until=1000), (0, 1000), plan=plan)
    accounts = counted.accounts
    by_plan = [accounts.user, accounts.reserve, accounts.study, accounts.tuning, accounts.maintenance]
    by_plan += [accounts.shutdown, accounts.commissioning]
    assert by_plan == [100 * NS_PER_S] * 7
    assert accounts.unscheduled == 300 * NS_PER_S
    assert accounts.user_time == 200 * NS_PER_S
    assert times(counted)["no_beam"] == 50


def test_time_given_beyond_what_was_promised_counts_as_compensation() -> None:
    plan = calendar((0, 1000, "user"), (1000, 1200, "reserve"))
    counted = account(current((0, 200), (100, 0), (200, 200), until=1200), (0, 1200), plan=plan)
    assert counted.figures.availability_pct == pytest.approx(100 * 1100 / 1200)
    assert counted.figures.availability_compensated_pct == pytest.approx(110)


def test_an_event_is_clipped_to_user_time_and_repaired_in_its_full_length() -> None:
    plan = calendar((0, 150, "user"), (150, 400, "maintenance"), (400, 1000, "user"))
    counted = account(current((0, 200), (100, 0), (300, 200), until=1000), (0, 1000), plan=plan)
    assert times(counted)["no_beam"] == 50
    assert counted.figures.mttr_h == pytest.approx(50 / 3600)
    assert counted.figures.mttr_unclipped_h == pytest.approx(200 / 3600)


def test_an_outage_already_running_when_user_time_starts_is_a_failure() -> None:
    plan = calendar((0, 200, "study"), (200, 1000, "user"))
    counted = account(current((0, 200), (100, 0), (300, 200), until=1000), (0, 1000), plan=plan)
    assert counted.counts.failures == 1
    assert times(counted)["no_beam"] == 100


def test_an_outage_that_spans_two_stretches_of_user_time_is_one_failure() -> None:
    plan = calendar((0, 200, "user"), (200, 250, "study"), (250, 1000, "user"))
    counted = account(current((0, 200), (100, 0), (300, 200), until=1000), (0, 1000), plan=plan)
    assert counted.counts.failures == 1
    assert times(counted)["no_beam"] == 150
    assert [e.event.blocks for e in counted.events] == [2]


def test_an_outage_outside_user_time_is_no_failure() -> None:
    plan = calendar((0, 200, "study"), (200, 1000, "user"))
    counted = account(current((0, 200), (100, 0), (200, 200), until=1000), (0, 1000), plan=plan)
    assert (counted.counts.failures, times(counted)["no_beam"]) == (0, 0)


def test_an_outage_that_was_running_before_the_window_and_one_open_at_its_end_count() -> None:
    told = current((-100, 0), (50, 200), (950, 0), until=1000)
    counted = account(told, (0, 1000))
    assert counted.counts.failures == 2
    assert times(counted)["no_beam"] == 100


def test_an_outage_is_not_made_a_shutdown_afterwards() -> None:
    # Published when the outage was over, the new calendar changes nothing before its own publication.
    planned = version((0, 1000, "user"))
    excuse = version((100, 400, "shutdown"), published_s=400)
    counted = account(current((0, 200), (100, 0), (400, 200), until=1000), (0, 1000), plan=resolve([planned, excuse]))
    assert counted.accounts.user == 1000 * NS_PER_S
    assert times(counted)["no_beam"] == 300


def test_a_later_version_of_the_calendar_replaces_what_it_speaks_of_and_nothing_else() -> None:
    plan = resolve([version((0, 1000, "user")), version((200, 300, "study"), published_s=-5e6)])
    counted = account(current((0, 200), (250, 0), (350, 200), until=1000), (0, 1000), plan=plan)
    assert counted.accounts.user == 900 * NS_PER_S
    assert times(counted)["no_beam"] == 50


def test_glitches_outside_user_time_are_not_counted() -> None:
    plan = calendar((0, 200, "user"), (200, 400, "study"))
    told = current((0, 200), (100, 0), (102, 200), (300, 0), (302, 200), until=400)
    assert account(told, (0, 400), plan=plan).counts.glitches == 1


# --- Periods

OVER_THE_EDGE = current((0, 200), (900, 0), (1200, 200), until=2000)


def test_time_is_split_at_the_edge_of_a_period_and_the_failure_belongs_to_the_first() -> None:
    plan = calendar((0, 2000, "user"))
    first = account(OVER_THE_EDGE, (0, 1000), plan=plan, window=(0, 2000))
    second = account(OVER_THE_EDGE, (1000, 2000), plan=plan, window=(0, 2000))
    assert (first.counts.failures, times(first)["no_beam"]) == (1, 100)
    assert (second.counts.failures, times(second)["no_beam"]) == (0, 200)
    assert [e.carried_over for e in first.events] == [False]
    assert [e.carried_over for e in second.events] == [True]
    # "No failure" is not infinity, and downtime without a failure has no repair time.
    assert (second.figures.mtbf_h, second.figures.mttr_h) == (None, None)


def test_a_failure_belongs_to_the_period_of_its_first_instant_in_user_time() -> None:
    # It began at 900, users lost beam from 1100 on.
    plan = calendar((0, 800, "user"), (800, 1100, "maintenance"), (1100, 2000, "user"))
    first = account(OVER_THE_EDGE, (0, 1000), plan=plan, window=(0, 2000))
    second = account(OVER_THE_EDGE, (1000, 2000), plan=plan, window=(0, 2000))
    assert (first.counts.failures, second.counts.failures) == (0, 1)


def test_months_are_cut_at_the_facilitys_midnight_and_not_at_utcs() -> None:
    may = parse_period("2025-05", ZoneInfo("Asia/Tokyo"))
    # Beam is lost at 05:00 of 1 May in Japan, 20:00 of 30 April in UTC, for an hour.
    start = (may.start_ns - at(0)) / NS_PER_S
    told = current((start - 3600, 200), (start + 18_000, 0), (start + 21_600, 200), until=start + 86_400, every=5.0)
    plan = calendar((start - 3600, start + 86_400, "user"))
    window = (start - 3600, start + 86_400)
    april = parse_period("2025-04", ZoneInfo("Asia/Tokyo"))
    in_may = account(told, may, plan=plan, window=window)
    in_april = account(told, april, plan=plan, window=window)
    assert (in_april.counts.failures, in_may.counts.failures) == (0, 1)
    assert times(in_may)["no_beam"] == 3600
    assert in_april.accounts.user == 3600 * NS_PER_S


def test_a_period_that_is_not_over_is_counted_up_to_now_and_provisional() -> None:
    counted = account(current((0, 200), until=500), (0, 1000), now=400)
    assert counted.counted_until_ns == at(400)
    assert times(counted) == {"delivered": 400, "no_beam": 0, "unknown": 0, "low_beam": 0}
    assert counted.provisional


def test_a_period_in_the_future_without_a_schedule_or_without_limits_is_an_error() -> None:
    told = current((0, 200), until=100)
    with pytest.raises(PeriodError, match=r"begins in the future, at .*: it has no data yet"):
        account(told, (0, 100), now=0)
    with pytest.raises(PeriodError, match="has no schedule for"):
        account(told, (0, 100), plan=calendar((200, 300, "user")))
    with pytest.raises(ProfileError, match="no limits for stored_current at that time"):
        account(told, (0, 100), profile=ring(step(50)))


# --- Figures


def test_the_three_formulas_of_mtbf_on_the_same_two_failures() -> None:
    told = current((0, 200), (1000, 0), (1360, 200), (5000, 0), (5360, 200), until=7200)
    by_formula = {
        "user_time_per_failures_plus_one": 2 / 3,
        "user_time_per_failure": 1.0,
        "known_uptime_per_failure": 0.9,
    }
    for formula, hours in by_formula.items():
        assert account(told, (0, 7200), definition=rules(mtbf=formula)).figures.mtbf_h == pytest.approx(hours)


@pytest.mark.parametrize(
    ("formula", "hours"),
    [("user_time_per_failures_plus_one", 2.0), ("user_time_per_failure", None), ("known_uptime_per_failure", None)],
)
def test_without_a_failure_only_the_formula_with_one_added_gives_a_number(formula: str, hours: float | None) -> None:
    figures = account(current((0, 200), until=7200), (0, 7200), definition=rules(mtbf=formula)).figures
    assert figures.mtbf_h == hours
    assert (figures.mttr_h, figures.mtbd_h) == (None, None)


def test_mtbf_counts_the_known_part_of_user_time_only() -> None:
    told = current((0, 200), (100, 0), (200, 200), until=7200, silent=[(3591, 5400)])
    assert account(told, (0, 7200)).figures.mtbf_h == pytest.approx(1.5)


def test_the_longest_run_goes_on_over_time_that_is_not_user_time() -> None:
    plan = calendar((0, 1000, "user"), (1000, 2000, "shutdown"), (2000, 3000, "user"))
    told = current((0, 200), (400, 0), (500, 200), (1200, 0), (1900, 200), until=3000)
    figures = account(told, (0, 3000), plan=plan).figures
    assert figures.longest_run_h == pytest.approx(1500 / 3600)


def test_the_accounts_close_to_the_nanosecond() -> None:
    odd = span(0.000000001, 999.999999999)
    plan = calendar((0.1234, 500.333, "user"), (500.333, 777.777, "reserve"), (800.0, 900.1, "study"))
    told = current((0, 200), (99.99, 0), (200.7, 200), until=1000, every=0.7, silent=[(300.3, 333.1)])
    a = account(told, odd, plan=plan, window=(0, 1000)).accounts
    assert a.calendar == odd.end_ns - odd.start_ns == 999_999_999_998
    planned = a.user + a.reserve + a.study + a.tuning + a.maintenance + a.shutdown + a.commissioning + a.unscheduled
    assert planned == a.calendar
    assert a.delivered + a.no_beam + a.unknown == a.user_time == a.user + a.reserve == 777_653_600_000
