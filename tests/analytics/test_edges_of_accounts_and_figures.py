"""What a small change of a line would make wrong without any other test noticing."""

from dataclasses import fields, replace

import pytest

from analytics.accounts import Accounts, _check
from analytics.bounds import join_bounding_cases
from analytics.figures import downtime_budget_h, longest_run_h, mtbf_h
from facility.corrections import Assertion
from facility.definition import Mtbf
from facility.errors import AccountsError
from facility.interval import Intervals
from facility.period import Period
from facility.schedule import Block, Category, ScheduleVersion, resolve
from facility.time import NS_PER_DAY, NS_PER_H
from one_period import assess
from stories import GAP, Beam, Story, at, definition, profile, said, seconds

TWO: Beam = [(100, 200.0), (60, 0.0), (50, 200.0), (60, 0.0), (100, 200.0)]
HOUR = Period("hour", 0, NS_PER_H)


@pytest.mark.parametrize("changed", ["study", "reserve", "unknown", "calendar"])
def test_accounts_that_do_not_close_are_refused_and_the_message_names_the_period(changed: str) -> None:
    accounts = Story(TWO).count().accounts
    _check(accounts, HOUR, 0)
    wrong = replace(accounts, **{changed: getattr(accounts, changed) + 1})
    with pytest.raises(AccountsError, match=r"accounts of hour do not close: calendar .*; this is a defect in kado,"):
        _check(wrong, HOUR, 0)


def test_user_time_that_is_not_the_sum_of_its_categories_is_refused_although_all_else_closes() -> None:
    accounts = Story(TWO).count().accounts
    wrong = replace(accounts, user=accounts.user - 1, study=accounts.study + 1)
    with pytest.raises(AccountsError, match="do not close"):
        _check(wrong, HOUR, 0)


@pytest.mark.parametrize(("part", "whole"), [("low_beam", "delivered"), ("excluded", "no_beam")])
def test_a_part_larger_than_its_whole_is_refused(part: str, whole: str) -> None:
    accounts = Story(TWO).count().accounts
    _check(replace(accounts, **{part: getattr(accounts, whole)}), HOUR, 0)
    with pytest.raises(AccountsError, match=r"accounts of hour do not close: low beam .* or excluded"):
        _check(replace(accounts, **{part: getattr(accounts, whole) + 1}), HOUR, 0)


def test_the_longest_run_is_exact_to_the_nanosecond() -> None:
    user_time = Intervals.of([(0, 3 * NS_PER_H)])
    assert longest_run_h(user_time, Intervals.of([(NS_PER_H, 2 * NS_PER_H)])) == 1.0
    assert longest_run_h(user_time, Intervals.of([(1, 3 * NS_PER_H)])) == 1 / NS_PER_H
    assert longest_run_h(user_time, user_time) == 0


def test_the_downtime_budget_of_a_year() -> None:
    assert downtime_budget_h(99.0, 4_000 * NS_PER_H, 25 * NS_PER_H) == pytest.approx(15)
    assert downtime_budget_h(98.0, 1_000 * NS_PER_H, 30 * NS_PER_H) == pytest.approx(-10)


def test_means_over_two_outages() -> None:
    figures = Story(TWO).count().figures
    assert figures.mttr_unclipped_h == 60 / 3600
    assert figures.mtbd_h == 185 / 3600


def test_where_nothing_is_known_there_are_no_bounds() -> None:
    story = Story([(60, GAP)])
    period = Period("minute", at(0), at(60))
    evidence = story.all_evidence()
    counted = assess(evidence, profile(), definition(), story.planned(), period, period, bounds=False)
    assert counted.figures.availability_lower_pct is None
    assert counted.figures.availability_upper_pct is None


def test_outages_that_fill_the_separated_stretch_to_its_edges_are_inside() -> None:
    evidence = {"corrections": [said(Assertion.SEPARATE, 100, 270)]}
    assert Story(TWO, evidence=evidence).count(merge_gap_s=60.0).counts.failures == 2


@pytest.mark.parametrize(("start", "end", "failures"), [(160, 250, 2), (120, 210, 2), (159, 211, 1)])
def test_an_outage_that_only_abuts_the_stretch_is_not_part_of_the_one_event(
    start: float, end: float, failures: int
) -> None:
    counted = Story(TWO, evidence={"corrections": [said(Assertion.ONE_EVENT, start, end)]}).count()
    assert counted.counts.failures == failures
    assert seconds(counted.accounts.no_beam) == 120


@pytest.mark.parametrize(("start", "end"), [(60, 100), (160, 200)])
def test_user_time_cancelled_late_that_abuts_an_outage_is_one_failure_with_it(start: float, end: float) -> None:
    first = ScheduleVersion.of(at(-60 * 86_400), [Block(at(0), at(260), Category.USER)])
    late = ScheduleVersion.of(at(0), [Block(at(start), at(end), Category.SHUTDOWN)])
    plan = resolve([first, late], notice_ns=30 * NS_PER_DAY)
    counted = Story([(100, 200.0), (60, 0.0), (100, 200.0)], plan=plan).count()
    assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (1, 100)


def test_a_low_beam_tells_its_stretches_of_user_time_and_whether_it_goes_on() -> None:
    story = Story([(50, 200.0), (200, 150.0)], user=[(0, 100), (150, 250)])
    (event,) = (r.event for r in story.count().events)
    assert (event.parts, event.blocks, event.open) == (1, 2, True)


def test_an_events_name_says_facility_kind_and_start() -> None:
    (first, _) = (r.event for r in Story(TWO).count().events)
    assert first.id("ring") == "ring-no_beam-20250512T010140Z"


@pytest.mark.parametrize("formula", list(Mtbf))
def test_where_nothing_is_known_there_is_no_mean_time_between_failures(formula: Mtbf) -> None:
    assert mtbf_h(formula, 0, 0, 0) is None
    assert mtbf_h(formula, 1, 0, 1) is not None


def test_fillings_of_stretches_are_joined_one_by_one_and_the_last_of_the_shorter_stands_for_the_rest() -> None:
    def accounts(delivered: int) -> Accounts:
        return replace(Accounts(*[0] * len(fields(Accounts))), delivered=delivered)

    joined = join_bounding_cases(
        [(accounts(1),), (accounts(10), accounts(20), accounts(30)), (accounts(100), accounts(200))]
    )
    assert [a.delivered for a in joined] == [1 + 10 + 100, 1 + 20 + 200, 1 + 30 + 200]
