"""Figures of the alarm system, each at its edges."""

from dataclasses import replace
from typing import Any

import pytest

from analytics.alarms.figures import AlarmFigures, Away, Flood, Frequent, Standing, assess
from facility.alarms import AlarmState, Cause, Priority, Transition
from facility.time import NS_PER_H, NS_PER_S

HOUR, MINUTE, DAY = NS_PER_H, 60 * NS_PER_S, 24 * NS_PER_H
START = 1_000 * DAY


def row(at: int, before: str, after: str, cause: str, alarm: str = "a", **more: Any) -> Transition:
    found = Transition(
        time_ns=START + at,
        alarm=alarm,
        from_state=AlarmState(before),
        to_state=AlarmState(after),
        cause=Cause(cause),
        seq=0,
        occurrence=1,
        priority=Priority.LOW,
        class_="c",
        annunciated=after == "unacked" and cause != "unacknowledged",
    )
    return replace(found, **more)


def raised(at: int, alarm: str = "a", **more: Any) -> Transition:
    return row(at, "normal", "unacked", "raised", alarm, **more)


def acked(at: int, alarm: str = "a") -> Transition:
    return row(at, "unacked", "acked", "acknowledged", alarm)


def figures(*rows: Transition, length: int = DAY, within: dict[str, float] | None = None) -> AlarmFigures:
    return assess(rows, START, START + length, within)


def test_a_period_without_rows_has_zeros_and_no_shares() -> None:
    assert figures(within={}) == AlarmFigures(
        start_ns=START, end_ns=START + DAY, annunciated=0, per_day=0.0, per_hour=0.0, per_10min=0.0, max_per_10min=0,
        intervals_over_10_pct=0.0, hours_over_30_pct=0.0, floods=(), flood_time_pct=0.0, top_ten=(), top_ten_pct=None,
        chattering=(), standing=(), by_priority={}, acknowledged=0, never_acknowledged=0, ack_median_s=None,
        answered_in_time_pct=None, away=(), suppressed_while_unacked=0,
    )  # fmt: skip


def test_a_period_holds_its_start_and_not_its_end() -> None:
    assert figures(raised(-1), raised(0), raised(DAY - 1), raised(DAY)).annunciated == 2


def test_rates_are_those_of_the_whole_period() -> None:
    found = figures(*(raised(i * HOUR) for i in range(48)), length=2 * DAY)
    assert (found.annunciated, found.per_day, found.per_hour, found.per_10min) == (48, 24.0, 1.0, 48 / 288)
    assert (found.start_ns, found.end_ns) == (START, START + 2 * DAY)


def test_what_is_taken_back_is_no_annunciation() -> None:
    found = figures(raised(0), acked(1), row(2, "acked", "unacked", "unacknowledged"))
    assert found.annunciated == 1


def test_intervals_are_counted_from_the_start_and_the_last_may_be_short() -> None:
    rows = [raised(i * NS_PER_S) for i in range(11)] + [raised(20 * MINUTE + i) for i in range(10)]
    found = figures(*rows, length=25 * MINUTE)
    assert found.max_per_10min == 11
    assert found.intervals_over_10_pct == 100 / 3
    # An interval of less than ten minutes is one, too.
    assert figures(raised(0), length=MINUTE).max_per_10min == 1
    assert figures(*(raised(i) for i in range(11)), length=MINUTE).intervals_over_10_pct == 100.0


def test_hours_count_from_31_annunciations() -> None:
    assert figures(*(raised(i) for i in range(30)), length=4 * HOUR).hours_over_30_pct == 0.0
    rows = [raised(3 * HOUR + i) for i in range(31)]
    assert figures(*rows, length=4 * HOUR).hours_over_30_pct == 25.0


def test_a_flood_begins_above_ten_goes_on_from_five_and_ends_below() -> None:
    counts = (10, 11, 12, 5, 4, 11)
    rows = [raised(k * 10 * MINUTE + i) for k, n in enumerate(counts) for i in range(n)]
    found = figures(*rows, length=HOUR)
    assert found.floods == (
        Flood(START + 10 * MINUTE, START + 40 * MINUTE, alarms=28, peak=12),
        Flood(START + 50 * MINUTE, START + HOUR, alarms=11, peak=11),
    )
    assert found.flood_time_pct == 100.0 * 40 / 60


def test_a_flood_at_the_end_of_a_period_that_is_cut_ends_with_it() -> None:
    found = figures(*(raised(10 * MINUTE + i) for i in range(11)), length=15 * MINUTE)
    assert found.floods == (Flood(START + 10 * MINUTE, START + 15 * MINUTE, alarms=11, peak=11),)


def test_shares_of_all_that_were_annunciated_make_100_and_never_more() -> None:
    # 1/6, 4/6 and 1/6 in percent, rounded one by one, add up to more than 100.
    rows = [raised(k * HOUR + i, f"a{k}") for k, n in enumerate((1, 4, 1)) for i in range(n)]
    assert figures(*rows).top_ten_pct == 100.0


def test_the_ten_most_frequent_stand_in_order_and_equal_ones_by_name() -> None:
    rows = [raised(k * HOUR + i, f"a{k:02}") for k in range(12) for i in range(1 if k < 9 else k - 6)]
    found = figures(*rows)
    total = 5 + 4 + 3 + 9
    assert found.top_ten[:4] == (
        Frequent("a11", 5, 500 / total),
        Frequent("a10", 4, 400 / total),
        Frequent("a09", 3, 300 / total),
        Frequent("a00", 1, 100 / total),
    )
    assert [f.alarm for f in found.top_ten[3:]] == [f"a{k:02}" for k in range(7)]
    assert found.top_ten_pct == pytest.approx(100 * 19 / total)


def test_chattering_is_three_annunciations_of_one_alarm_within_a_minute_that_ends_before_the_third() -> None:
    exactly = [raised(t, "exact") for t in (0, 30 * NS_PER_S, MINUTE)]
    sooner = [raised(t, "sooner") for t in (0, 30 * NS_PER_S, MINUTE - 1)]
    twice = [raised(t, "twice") for t in (0, 1)]
    # Their instants lie between those of the others.
    assert figures(*exactly, *sooner, *twice).chattering == ("sooner",)
    later = [raised(t, "later") for t in (0, 5 * MINUTE, 6 * MINUTE, 6 * MINUTE + 1, 6 * MINUTE + 2)]
    assert figures(*later).chattering == ("later",)
    apart = [raised(t, "apart") for t in (0, 2 * MINUTE, 2 * MINUTE + 1, 9 * MINUTE, 9 * MINUTE + 1)]
    assert figures(*apart).chattering == ()


def test_annunciations_are_counted_by_priority_and_one_that_does_not_occur_is_left_out() -> None:
    found = figures(raised(0, priority=Priority.CRITICAL), raised(1), raised(2), acked(3))
    assert found.by_priority == {"critical": 1, "low": 2}


def test_an_answer_is_the_first_acknowledgement_before_the_next_annunciation() -> None:
    found = figures(
        raised(0),
        acked(10 * NS_PER_S),
        row(20 * NS_PER_S, "acked", "unacked", "realarmed"),
        acked(50 * NS_PER_S),
        # Over, and raised again, before anybody came.
        raised(100 * NS_PER_S),
        row(110 * NS_PER_S, "unacked", "rtn_unacked", "cleared"),
        raised(120 * NS_PER_S),
        row(121 * NS_PER_S, "unacked", "rtn_unacked", "cleared"),
        row(140 * NS_PER_S, "rtn_unacked", "normal", "acknowledged"),
        # Acknowledged once more: nothing is open.
        row(150 * NS_PER_S, "rtn_unacked", "normal", "acknowledged"),
        raised(0, "b"),
        within={"a": 20.0},
    )
    # 10, 30, never, 20 s; b never.
    assert (found.annunciated, found.acknowledged, found.never_acknowledged) == (5, 3, 2)
    assert found.ack_median_s == 20.0
    assert found.answered_in_time_pct == 40.0


def test_an_answer_that_takes_exactly_the_time_to_respond_is_in_time_and_one_without_a_rule_is_not() -> None:
    rows = (raised(0), acked(20 * NS_PER_S))
    assert figures(*rows, within={"a": 20.0}).answered_in_time_pct == 100.0
    assert figures(*rows, within={"a": 19.999999999}).answered_in_time_pct == 0.0
    assert figures(raised(0), acked(0), within={"b": 20.0}).answered_in_time_pct == 0.0
    assert figures(*rows).answered_in_time_pct is None


def test_standing_is_in_alarm_for_more_than_a_day_without_a_break() -> None:
    found = figures(
        raised(0, "exact"),
        row(DAY, "unacked", "rtn_unacked", "cleared", "exact"),
        raised(5, "longer"),
        acked(HOUR, "longer"),
        row(DAY + 6, "acked", "normal", "cleared", "longer"),
        raised(5, "also"),
        raised(1, "still"),
        # A break of no length is one.
        raised(0, "broken"),
        row(20 * HOUR, "unacked", "rtn_unacked", "cleared", "broken"),
        row(20 * HOUR, "rtn_unacked", "unacked", "raised", "broken"),
        row(30 * HOUR, "unacked", "shelved", "shelved", "broken"),
        length=2 * DAY,
    )
    assert found.standing == (
        Standing("still", START + 1, START + 2 * DAY),
        Standing("also", START + 5, START + 2 * DAY),
        Standing("longer", START + 5, START + DAY + 6),
    )


def test_what_lasts_into_the_period_stands_and_is_away_from_its_true_beginning() -> None:
    before = (
        raised(-30 * HOUR),
        acked(-HOUR),
        raised(-50 * HOUR, "over"),
        row(0, "unacked", "rtn_unacked", "cleared", "over"),
        row(-2, "normal", "shelved", "shelved", "hidden", by="mori"),
        row(-9, "normal", "out_of_service", "taken_out", "gone", by="sato"),
    )
    found = figures(*before, row(5, "shelved", "normal", "shelf_expired", "hidden"))
    assert found.standing == (Standing("a", START - 30 * HOUR, START + DAY),)
    assert found.away == (
        Away("gone", AlarmState.OUT_OF_SERVICE, START - 9, START + DAY, "sato"),
        Away("hidden", AlarmState.SHELVED, START - 2, START + 5, "mori"),
    )
    # What was before counts for nothing else.
    assert (found.annunciated, found.never_acknowledged, found.max_per_10min) == (0, 0, 0)
    assert figures(row(-2, "normal", "shelved", "shelved"), row(0, "shelved", "normal", "unshelved")).away == ()


def test_time_on_the_shelf_and_out_of_service_are_kept_apart_with_who_did_it() -> None:
    found = figures(
        row(10, "normal", "shelved", "shelved", "b", by="mori"),
        row(20, "shelved", "out_of_service", "taken_out", "b", by="sato"),
        row(30, "out_of_service", "normal", "put_back", "b", by="mori"),
        row(10, "normal", "shelved", "shelved", by="ito"),
    )
    assert found.away == (
        Away("a", AlarmState.SHELVED, START + 10, START + DAY, "ito"),
        Away("b", AlarmState.SHELVED, START + 10, START + 20, "mori"),
        Away("b", AlarmState.OUT_OF_SERVICE, START + 20, START + 30, "sato"),
    )


def test_what_was_suppressed_while_nobody_had_acknowledged_is_counted() -> None:
    found = figures(
        row(0, "unacked", "suppressed", "suppressed"),
        row(1, "acked", "suppressed", "suppressed"),
        row(1, "rtn_unacked", "suppressed", "suppressed", "b"),
        *(row(t, "unacked", "shelved", "shelved") for t in (2, 3, 4)),
    )
    assert found.suppressed_while_unacked == 1


def test_rows_of_one_instant_stand_in_the_order_of_their_numbers_however_they_came() -> None:
    first = row(5, "shelved", "unacked", "shelf_expired", seq=1)
    second = replace(acked(5), seq=2)
    assert figures(second, first) == figures(first, second)
    assert figures(second, first).acknowledged == 1
