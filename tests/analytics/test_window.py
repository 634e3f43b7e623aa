"""How far to look around a period. Times in seconds; a sample a second, nominal 199 mA."""

import numpy as np
import pytest

from analytics.availability import Availability
from analytics.evidence import Evidence, breaks
from analytics.window import Window, load_window, no_breaks, settled_since
from facility.batch import Samples
from facility.corrections import Assertion, Correction
from facility.definition import Definition
from facility.interval import Intervals
from facility.profile import Profile
from facility.time import NS_PER_S
from made_up_ring import at, calendar, current, ring, rules, samples, span, step
from one_period import availability

HOUR = 3600.0


def look(
    told: list[tuple[float, float]],
    period: tuple[float, float],
    definition: Definition | None = None,
    profile: Profile | None = None,
    now: float = 10 * HOUR,
    *corrections: Correction,
) -> tuple[Window, Availability]:
    """Load the window of a period and count it; everything is user time."""
    profile, definition, delivery = profile or ring(), definition or rules(), samples(told)
    part = span(*period)
    extent = int(delivery.time_ns[0]), int(delivery.time_ns[-1])

    def breaks_in(start_ns: int, end_ns: int) -> Intervals:
        known = Evidence(delivery, start_ns, end_ns, corrections=corrections)
        return breaks(known, profile, [definition], Intervals.empty())

    window = load_window(delivery.between, profile, definition, part, extent=extent, now_ns=at(now), breaks=breaks_in)
    counted = availability(
        profile,
        definition,
        calendar((-100 * HOUR, 100 * HOUR, "user")),
        window.samples,
        part,
        now_ns=at(now),
        window=(window.start_ns, window.end_ns),
        settled=window.settled,
        corrections=corrections,
    )
    return window, counted


def said(what: Assertion, start: float, end: float) -> Correction:
    return Correction(1, at(start), at(end), what, "Operator", "it was so", at(end))


def seconds(ns: int) -> float:
    return (ns - at(0)) / NS_PER_S


def test_the_window_reaches_to_where_the_beam_was_surely_up() -> None:
    told = current((-5 * HOUR, 200), (-2 * HOUR, 0), (HOUR, 200), until=10 * HOUR)
    window, counted = look(told, (0, 2 * HOUR))
    assert seconds(window.start_ns) == -2 * HOUR - 1
    assert window.settled
    # Without the two hours before, the outage would be a failure of this period.
    assert (counted.counts.failures, [e.carried_over for e in counted.events]) == (0, [True])


def test_the_window_reaches_until_the_beam_was_up_for_the_merge_gap() -> None:
    merge = rules(merge_gap_s=1800.0)
    told = current((-5 * HOUR, 200), (-1700, 0), (-1600, 200), (100, 0), (200, 200), until=10 * HOUR)
    window, counted = look(told, (0, 2 * HOUR), merge)
    assert seconds(window.start_ns) <= -1700 - 1800
    # Less than the merge gap apart from one before the period: carried over, and down from the first instant.
    assert (counted.counts.failures, counted.accounts.no_beam / NS_PER_S) == (0, 200)


def test_what_follows_a_period_may_still_change_it() -> None:
    told = current((0, 200), (HOUR - 100, 0), until=HOUR + 600)
    window, counted = look(told, (0, HOUR), now=HOUR + 600)
    assert not window.settled
    assert counted.provisional
    told = current((0, 200), (HOUR - 100, 0), (HOUR, 200), until=HOUR + 600)
    window, counted = look(told, (0, HOUR), now=HOUR + 600)
    assert window.settled
    assert not counted.provisional


def test_a_period_is_settled_once_the_beam_was_up_after_its_user_time() -> None:
    told = current((0, 200), (3 * HOUR, 0), until=9 * HOUR)
    window, _ = look(told, (0, 5 * HOUR), now=9 * HOUR)
    assert not window.settled

    def settled(since: float, merge_gap_s: float) -> bool:
        return settled_since(window, at(since), ring(), rules(merge_gap_s=merge_gap_s), no_breaks)

    assert settled(2 * HOUR, 1800.0)
    assert not settled(2 * HOUR, 3601.0)
    assert not settled(3 * HOUR, 0.0)


@pytest.mark.parametrize("spike", [9999.0, np.inf, 600.5])
def test_a_value_that_cannot_be_true_does_not_show_that_the_beam_was_up(spike: float) -> None:
    told = current((-5 * HOUR, 200), (-2 * HOUR, 0), (-600, spike), (-599, 0), (HOUR, 200), until=10 * HOUR)
    window, counted = look(told, (0, 2 * HOUR))
    assert seconds(window.start_ns) == -2 * HOUR - 1
    assert counted.counts.failures == 0


def test_a_current_that_was_nominal_before_a_step_does_not_show_that_the_beam_was_up_after_it() -> None:
    # Raised at -3 h; lost at -2 h, and back at 200 mA only: by the new limits the outage goes on.
    raised = ring(step(-1e6), step(-3 * HOUR, nominal=300.0, recovered=290.0, tolerance=280.0))
    told = current((-9 * HOUR, 200), (-3 * HOUR, 300), (-2 * HOUR, 0), (-HOUR, 200), until=10 * HOUR)
    window, counted = look(told, (0, 2 * HOUR), profile=raised)
    assert seconds(window.start_ns) < -2 * HOUR
    assert counted.accounts.no_beam == 2 * HOUR * NS_PER_S


def test_before_the_first_sample_there_may_have_been_an_outage_and_the_lower_bound_tells() -> None:
    # The first sample ever, 10 min before the period, is at 150 mA: low beam, or the end of an outage.
    told = current((-600, 150), (HOUR, 200), until=10 * HOUR)
    window, counted = look(told, (0, 2 * HOUR))
    assert seconds(window.start_ns) < -600
    assert counted.figures.availability_pct == 100
    assert counted.figures.availability_lower_pct == 50
    assert counted.figures.coverage_pct == 100


def test_nothing_before_the_first_sample_is_read_nor_after_now() -> None:
    asked: list[tuple[int, int]] = []
    delivery = samples(current((0, 0), until=5 * HOUR))

    def read(start_ns: int, end_ns: int) -> Samples:
        asked.append((start_ns, end_ns))
        return delivery.between(start_ns, end_ns)

    load_window(read, ring(), rules(), span(HOUR, 2 * HOUR), extent=(at(0), at(5 * HOUR)), now_ns=at(3 * HOUR))
    assert min(start for start, _ in asked) == at(0)
    assert max(end for _, end in asked) == at(3 * HOUR)


@pytest.mark.parametrize(("last", "cut"), [(5 * HOUR, False), (200 * 24 * HOUR, True)])
def test_only_where_samples_go_on_an_outage_is_said_not_to_be_followed_to_its_end(last: float, cut: bool) -> None:
    delivery = samples(current((-5 * HOUR, 200), (4 * HOUR, 0), until=5 * HOUR))
    extent, now_ns = (at(-5 * HOUR), at(last)), at(200 * 24 * HOUR)
    window = load_window(delivery.between, ring(), rules(), span(0, 5 * HOUR), extent=extent, now_ns=now_ns)
    assert window.cut is cut


@pytest.mark.parametrize("what", [Assertion.SENSOR_FAULT, Assertion.UNKNOWN])
def test_samples_that_a_person_took_back_do_not_show_that_the_beam_was_up(what: Assertion) -> None:
    # The beam was lost at -2 h; what the stuck monitor said for the hour before the period is worth nothing.
    told = current((-5 * HOUR, 200), (-2 * HOUR, 0), (-HOUR, 200), (0, 0), (HOUR, 200), until=10 * HOUR)
    stuck = said(what, -HOUR, 0)
    window, counted = look(told, (0, 2 * HOUR), None, None, 10 * HOUR, stuck)
    assert seconds(window.start_ns) == -2 * HOUR - 1
    assert (counted.counts.failures, [e.carried_over for e in counted.events]) == (0, [True])


def test_after_a_period_too_only_samples_that_stand_settle_its_figures() -> None:
    told = current((0, 200), (HOUR - 100, 0), (HOUR, 200), until=HOUR + 600)
    stuck = said(Assertion.UNKNOWN, HOUR, HOUR + 600)
    window, counted = look(told, (0, HOUR), None, None, HOUR + 600, stuck)
    assert not window.settled
    assert counted.provisional


def test_an_outage_before_that_was_said_to_be_one_with_an_outage_in_the_period_is_looked_for() -> None:
    told = current((-5 * HOUR, 200), (-2 * HOUR, 0), (-HOUR, 200), (600, 0), (HOUR, 200), until=10 * HOUR)
    window, counted = look(told, (0, 2 * HOUR), None, None, 10 * HOUR, said(Assertion.ONE_EVENT, -1.5 * HOUR, 700))
    assert seconds(window.start_ns) <= -2 * HOUR
    assert (counted.counts.failures, [e.carried_over for e in counted.events]) == (0, [True])


def test_a_lost_link_a_closed_permit_and_user_time_cancelled_late_settle_nothing() -> None:
    permit = Samples.sorted(
        "ring", "shutters", [at(-9), at(20), at(25)], [np.nan] * 3, state=[0, 1, 0], words=["permitted", "closed"]
    )
    known = Evidence(samples([]), at(0), at(100), np.array([at(10)]), flags={"permit": permit})
    cancelled = Intervals.of([(at(50), at(60))])
    found = breaks(known, ring(), [rules(), rules(requires=["permit"])], cancelled)
    assert list(found) == [(at(10), at(10) + 1), (at(20), at(25)), (at(50), at(60))]
    assert list(breaks(known, ring(), [rules()], Intervals.empty())) == [(at(10), at(10) + 1)]
