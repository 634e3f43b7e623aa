"""A ring without top-up: filled to 200 mA every 12 h, it decays by design to 120 mA in between.

The current falls by 80 mA in 12 h, evenly, and is sampled once a minute; a fill falls between two samples. After a
dump the current comes back with 10 mA/min.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analytics.availability import Availability
from facility.corrections import Assertion, Correction
from facility.definition import Definition, load_definition
from facility.profile import Profile
from facility.schedule import Plan
from made_up_ring import at, calendar, ring, rules, samples, span, step
from one_period import availability

H = 3600
DECAY: dict[str, Any] = {"nominal": 195.0, "recovered": 100.0, "tolerance": 100.0, "minimum": 10.0}
"""Low below 100 mA, which no fill in time comes to; restored at 195 mA, as after a fill."""
MINUTE: dict[str, Any] = {"period_s": 60.0, "stale_after_s": 300.0}


def decaying(ring_of: Profile | None = None) -> Profile:
    return ring_of or ring(step(-1e6, **DECAY), **MINUTE)


def since_fill(second: float) -> float:
    """Return the current so long after a fill to 200 mA."""
    return 200.0 - 80.0 * second / (12 * H)


def on_time(second: float) -> float:
    return since_fill(second % (12 * H))


def count(
    current: Callable[[float], float],
    hours: float = 48,
    *,
    profile: Profile | None = None,
    definition: Definition | None = None,
    plan: Plan | None = None,
    corrections: tuple[Correction, ...] = (),
) -> Availability:
    times = np.arange(0, hours * H, 60).tolist()
    return availability(
        decaying(profile),
        definition or rules(),
        plan or calendar((0, hours * H, "user")),
        samples((t, current(t)) for t in times),
        span(0, hours * H),
        now_ns=at(1e8),
        corrections=corrections,
    )


def hours_low(found: Availability) -> float:
    return found.accounts.low_beam / 1e9 / H


def test_decay_by_design_is_neither_an_outage_nor_low_beam() -> None:
    found = count(on_time)
    assert (found.counts.distortions, found.counts.glitches) == (0, 0)
    assert (found.figures.availability_pct, hours_low(found)) == (100.0, 0)


def test_by_limits_of_top_up_it_would_be_low_for_most_of_the_time() -> None:
    # 190 mA is reached after 1.5 h; the next minute is the first below. Low until the fill.
    found = count(on_time, profile=ring(step(-1e6), **MINUTE))
    assert (found.counts.low_beam, found.counts.failures) == (4, 0)
    assert hours_low(found) == pytest.approx(4 * (12 - 1.5 - 1 / 60))


def test_a_fill_that_comes_late_is_low_beam_from_the_tolerance_on() -> None:
    # The fill of 12 h comes at 16 h; 100 mA are reached at 15 h, below them is the minute after.
    found = count(lambda t: since_fill(t if t < 16 * H else (t - 16 * H) % (12 * H)))
    assert (found.counts.low_beam, found.counts.failures) == (1, 0)
    assert hours_low(found) == pytest.approx(1 - 1 / 60)
    assert found.figures.availability_pct == 100.0


def dumped_at_6_h(filled_to: float) -> Callable[[float], float]:
    """A dump at 6 h, an hour without beam, then 10 mA/min up to what is filled; fills at 12 h and so on again."""

    def current(t: float) -> float:
        back = 7 * H + filled_to / 10 * 60
        if t < 6 * H or t >= 12 * H:
            return on_time(t)
        if t < 7 * H:
            return 0.0
        return 10.0 * (t - 7 * H) / 60 if t < back else filled_to - (200.0 - since_fill(t - back))

    return current


@pytest.mark.parametrize(
    ("ends_at", "minutes", "low_beams", "low_minutes"),
    [
        # An hour, and as long as the current needs to the limit at which an outage ends.
        ("recovered", 60 + 10, 0, 0),
        ("nominal", 60 + 20, 0, 0),
        # At 10 mA the outage is over, and up to 100 mA it is low-beam: the tail of its recovery, no distortion more.
        ("minimum", 60 + 1, 0, 9),
    ],
)
def test_an_outage_ends_where_the_definition_says(ends_at: str, minutes: int, low_beams: int, low_minutes: int) -> None:
    found = count(dumped_at_6_h(200.0), definition=rules(no_beam_ends_at=ends_at))
    assert (found.counts.failures, found.counts.low_beam) == (1, low_beams)
    assert found.accounts.no_beam == minutes * 60 * 10**9
    assert found.accounts.low_beam == low_minutes * 60 * 10**9
    assert found.figures.availability_pct == pytest.approx(100 * (48 * 60 - minutes) / (48 * 60))


def test_refilled_to_a_part_an_outage_ends_at_recovered_and_not_before_the_next_fill_at_nominal() -> None:
    by_recovered = count(dumped_at_6_h(150.0))
    assert by_recovered.accounts.no_beam == 70 * 60 * 10**9
    by_nominal = count(dumped_at_6_h(150.0), definition=load_definition("sls"))
    # From the dump at 6 h to the fill at 12 h.
    assert by_nominal.accounts.no_beam == 6 * H * 10**9
    assert by_nominal.figures.availability_pct == 87.5


def weeks(t: float) -> float:
    """Top-up, but from 12 to 36 h a decaying beam."""
    return on_time(t) if 12 * H <= t < 36 * H else 200.0


TOP_UP_HOURS_LOW = 2 * (12 - 1.5 - 1 / 60)


def test_some_decaying_days_of_a_ring_with_top_up_are_limits_with_a_date() -> None:
    always = count(weeks, profile=ring(step(-1e6), **MINUTE))
    assert hours_low(always) == pytest.approx(TOP_UP_HOURS_LOW)
    dated = count(weeks, profile=ring(step(-1e6), step(12 * H, **DECAY), step(36 * H), **MINUTE))
    assert (dated.counts.distortions, hours_low(dated)) == (0, 0)


def test_or_a_correction_that_accepts_what_it_decays_to() -> None:
    accepted = Correction(
        1, at(12 * H), at(36 * H), Assertion.REDUCED, "Operator", "injector repair, decaying beam", at(0), limit=100.0
    )
    found = count(weeks, profile=ring(step(-1e6), **MINUTE), corrections=(accepted,))
    assert (found.counts.distortions, hours_low(found)) == (0, 0)


def test_or_limits_of_the_mode_that_is_planned() -> None:
    by_mode = ring(step(-1e6), step(-1e6, "reserve", **DECAY), **MINUTE)
    plan = calendar((0, 12 * H, "user"), (12 * H, 36 * H, "reserve"), (36 * H, 48 * H, "user"))
    found = count(weeks, profile=by_mode, plan=plan)
    assert (found.counts.distortions, hours_low(found)) == (0, 0)


def test_a_dump_in_the_last_decaying_hours_keeps_the_limits_that_it_opened_with() -> None:
    # Lost at 35 h, back at 150 mA at 36 h 30 min, when top-up asks for 195 mA again: over by the limits of the dump,
    # and low by the new ones until the fill at 40 h.
    def current(t: float) -> float:
        if 35 * H <= t < 36.5 * H:
            return 0.0
        return 150.0 if 36.5 * H <= t < 40 * H else weeks(t)

    found = count(current, profile=ring(step(-1e6), step(12 * H, **DECAY), step(36 * H), **MINUTE))
    assert found.accounts.no_beam == 1.5 * H * 10**9
    assert hours_low(found) == 3.5
    assert (found.counts.failures, found.counts.low_beam, found.counts.distortions) == (1, 0, 1)
