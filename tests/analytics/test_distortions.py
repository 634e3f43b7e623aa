"""Further distortions: the beam is there, and its orbit, lifetime or filling is not as promised."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics import conditions
from analytics.availability import Availability
from analytics.conditions import Kind
from analytics.distortions import Series
from facility.batch import Samples
from facility.corrections import Assertion, Exclusion
from facility.quality import Quality
from facility.schedule import Block, Category, ScheduleVersion, resolve
from stories import GAP, T0, Beam, Story, at, profile, said, seconds, states, told

ORBIT: dict[str, Any] = {"id": "orbit", "signal": "orbit_x", "above": 10.0, "delay_s": 5.0, "min_length_s": 30.0}
BEAM: Beam = [(1000, 200)]
NO_CUTS = np.empty(0, np.int64)


def series(samples: Samples, *cuts: float) -> Series:
    return Series(samples, np.array([at(c) for c in cuts], np.int64))


def orbit(*segments: tuple[float, float | None], cuts: Sequence[float] = ()) -> dict[str, Series]:
    """The orbit told as (seconds, µm), a sample a second that holds for 10 s."""
    return {"orbit_x": series(told("orbit_x", segments), *cuts)}


def story(
    further: Mapping[str, Series], *distortions: dict[str, Any], beam: Beam = BEAM, evidence: Any = None, **more: Any
) -> Story:
    """A ring whose orbit is watched: distorted above 10 µm for 5 s, and counted from 30 s on, unless said otherwise."""
    signals = [
        {"id": "orbit_x", "unit": "µm", "period_s": 1.0, "physical_max": 1000.0},
        {"id": "orbit_y", "unit": "µm", "period_s": 1.0, "min_samples": 2},
        {"id": "lifetime", "unit": "h", "period_s": 10.0},
        {"id": "feedback", "type": "state", "words": ["on", "off", "saturated"]},
    ]
    known = profile().model_dump(by_alias=True)
    ring = profile(signal=[*known["signal"], *signals], distortion=list(distortions) or [ORBIT])
    return Story(beam, evidence={"further": further, **(evidence or {})}, profile=ring, **more)


def spans(found: Availability) -> list[tuple[float, float, float]]:
    """Return (start, end, user time) of each distortion, in seconds."""
    return [
        (seconds(r.event.start_ns - T0), seconds(r.event.end_ns - T0), seconds(r.event.user_time.total))
        for r in found.events
        if r.event.kind is Kind.DISTORTION
    ]


def excursions(found: Availability) -> list[tuple[float, float]]:
    return [(seconds(e.start_ns - T0), seconds(e.end_ns - T0)) for f in found.further for e in f.excursions]


# --- When it is one.


def test_a_signal_beyond_its_limit_is_a_distortion_and_is_counted_in_mtbd() -> None:
    found = story(orbit((300, 5), (60, 15), (640, 5))).count()
    assert spans(found) == [(300, 360, 60)]
    assert (found.counts.other_distortions, found.counts.distortions, found.counts.failures) == (1, 1, 0)
    assert found.figures.mtbd_h == 1000 / 3600
    assert found.events[0].event.id("ring") == "ring-distortion-orbit-20250512T010500Z"


def test_it_is_dated_back_to_its_first_sample_once_its_delay_is_over() -> None:
    # Beyond the limit for 4 s, ended by a good sample in less than 5 s: it has not been.
    assert spans(story(orbit((300, 5), (4, 15), (696, 5)), {**ORBIT, "min_length_s": 0.0}).count()) == []
    # For exactly 5 s.
    found = story(orbit((300, 5), (5, 15), (695, 5)), {**ORBIT, "min_length_s": 0.0}).count()
    assert spans(found) == [(300, 305, 5)]


def test_what_is_shorter_than_its_delay_is_not_even_an_excursion() -> None:
    found = story(orbit((300, 5), (4, 15), (696, 5))).count()
    assert (spans(found), excursions(found)) == ([], [])


def test_one_that_is_too_short_is_listed_and_not_counted() -> None:
    found = story(orbit((300, 5), (29, 15), (271, 5), (30, 15), (370, 5))).count()
    assert spans(found) == [(600, 630, 30)]
    assert excursions(found) == [(300, 329)]
    assert (found.counts.other_distortions, found.counts.distortions) == (1, 1)


def test_a_value_equal_to_the_limit_is_not_beyond_it() -> None:
    assert spans(story(orbit((300, 5), (60, 10.0), (640, 5))).count()) == []


def test_nor_is_one_equal_to_a_lower_limit() -> None:
    lifetime = {"id": "lifetime", "signal": "lifetime", "below": 8.0}
    lives = {"lifetime": series(told("lifetime", [(300, 12), (100, 8.0), (100, 7.9), (500, 12)], step_s=10))}
    assert spans(story(lives, lifetime).count()) == [(400, 500, 100)]


def test_it_ends_where_its_own_end_limit_is_reached() -> None:
    hysteresis = {**ORBIT, "ends_below": 8.0}
    # Between 8 and 10 it goes on; at 8 it is over.
    found = story(orbit((300, 5), (60, 15), (40, 9), (600, 8)), hysteresis).count()
    assert spans(found) == [(300, 400, 100)]
    # And 9 alone begins nothing.
    assert spans(story(orbit((300, 5), (60, 9), (640, 8)), hysteresis).count()) == []


def test_without_an_end_limit_of_its_own_it_ends_at_the_limit() -> None:
    assert spans(story(orbit((300, 5), (60, 15), (640, 10.0))).count()) == [(300, 360, 60)]


def test_a_limit_may_be_a_lower_one() -> None:
    lifetime = {"id": "lifetime", "signal": "lifetime", "below": 8.0, "ends_above": 9.0, "min_length_s": 60.0}
    lives = {"lifetime": series(told("lifetime", [(300, 12), (100, 7.5), (100, 8.5), (500, 9)], step_s=10))}
    assert spans(story(lives, lifetime).count()) == [(300, 500, 200)]


def test_a_signal_may_have_a_limit_on_either_side() -> None:
    band = {**ORBIT, "below": -10.0, "ends_below": 8.0, "ends_above": -8.0}
    # From beyond one limit to beyond the other is one distortion: nothing ended it.
    found = story(orbit((300, 0), (60, 15), (60, -15), (180, 0), (60, -11), (340, 0)), band).count()
    assert spans(found) == [(300, 420, 120), (600, 660, 60)]


def test_a_state_is_distorted_by_its_words() -> None:
    feedback = {"id": "feedback", "signal": "feedback", "words": ["off", "saturated"], "min_length_s": 60.0}
    words: dict[float, str] = {0: "on", 200: "saturated", 230: "off", 270: "on", 500: "off", 559: "on"}
    found = story({"feedback": series(states("feedback", words))}, feedback).count()
    assert spans(found) == [(200, 270, 70)]
    assert excursions(found) == [(500, 559)]


def test_a_signal_that_asks_for_two_samples_gets_them() -> None:
    vertical = {"id": "vertical", "signal": "orbit_y", "above": 10.0}
    # One sample each 20 s, held for 10 s: one alone is noise of the monitor, two are a distortion.
    once = {"orbit_y": series(told("orbit_y", [(300, 5), (20, 15), (680, 5)], step_s=20))}
    twice = {"orbit_y": series(told("orbit_y", [(300, 5), (40, 15), (660, 5)], step_s=20))}
    assert story(once, vertical).count().counts.other_distortions == 0
    assert story(twice, vertical).count().counts.other_distortions == 1


def test_two_at_once_are_two() -> None:
    vertical = {**ORBIT, "id": "vertical", "signal": "orbit_y"}
    both = {
        **orbit((300, 5), (60, 15), (640, 5)),
        "orbit_y": series(told("orbit_y", [(330, 5), (60, 15), (610, 5)])),
    }
    found = story(both, ORBIT, vertical).count()
    assert [(f.distortion.id, f.count) for f in found.further] == [("orbit", 1), ("vertical", 1)]
    assert (found.counts.other_distortions, found.figures.mtbd_h) == (2, 500 / 3600)


# --- It is no downtime.


def test_it_changes_no_account_and_no_other_figure() -> None:
    beam: Beam = [(100, 200), (50, 0), (350, 200), (100, GAP), (400, 200)]
    quiet, disturbed = story(orbit((1000, 5)), beam=beam).count(), story(orbit((1000, 15)), beam=beam).count()
    assert disturbed.counts.other_distortions == 1
    assert disturbed.accounts == quiet.accounts
    assert replace(disturbed.figures, mtbd_h=None) == replace(quiet.figures, mtbd_h=None)
    assert disturbed.provisional == quiet.provisional


def test_a_signal_of_which_nothing_is_known_says_so_and_makes_nothing_provisional() -> None:
    found = story({}).count()
    assert not found.provisional
    (of_orbit,) = found.further
    assert (of_orbit.count, seconds(of_orbit.unknown_ns), of_orbit.coverage_pct) == (0, 1000, 0.0)


# --- In user time.


def test_outside_user_time_it_is_none() -> None:
    disturbed = orbit((300, 5), (60, 15), (640, 5))
    assert spans(story(disturbed, user=[(400, 1000)]).count()) == []


def test_it_is_clipped_to_user_time_and_its_length_is_what_it_costs_users() -> None:
    disturbed = orbit((300, 5), (60, 15), (640, 5))
    assert spans(story(disturbed, user=[(330, 1000)]).count()) == [(300, 360, 30)]
    found = story(disturbed, user=[(331, 1000)]).count()
    assert (spans(found), excursions(found)) == ([], [(300, 360)])


def test_one_that_spans_two_stretches_of_user_time_is_one() -> None:
    found = story(orbit((300, 5), (200, 15), (500, 5)), user=[(0, 350), (450, 1000)]).count()
    assert spans(found) == [(300, 500, 100)]
    assert found.events[0].event.blocks == 2


def test_its_first_instant_in_user_time_decides_which_period_counts_it() -> None:
    told_whole = story(orbit((300, 5), (200, 15), (500, 5)))
    first, second = told_whole.count(0, 400), told_whole.count(400, 1000)
    assert (first.counts.other_distortions, second.counts.other_distortions) == (1, 0)
    assert [(seconds(r.user_time_ns), r.carried_over) for r in first.events] == [(100, False)]
    assert [(seconds(r.user_time_ns), r.carried_over) for r in second.events] == [(100, True)]


def test_the_length_that_counts_is_the_whole_and_not_the_periods_part_of_it() -> None:
    told_whole = story(orbit((300, 5), (40, 15), (660, 5)))
    # 20 s in either period: neither alone would be long enough.
    assert [told_whole.count(a, b).counts.other_distortions for a, b in ((0, 320), (320, 1000))] == [1, 0]


def test_one_that_is_still_running_counts_and_is_open() -> None:
    found = story(orbit((900, 5), (100, 15))).count()
    assert spans(found) == [(900, 1000, 100)]
    assert found.events[0].event.open


# --- Without beam a signal says nothing.


def test_what_a_signal_shows_without_beam_is_no_distortion() -> None:
    beam: Beam = [(300, 200), (100, 0), (600, 200)]
    # The first sample beyond the limit is stamped at the loss itself, the last just before the beam is back.
    found = story(orbit((300, 5), (100, 15), (600, 5)), beam=beam).count()
    assert (spans(found), excursions(found)) == ([], [])
    assert (found.counts.failures, found.counts.distortions) == (1, 1)


def test_one_that_leads_into_a_loss_of_beam_is_one_distortion_with_it() -> None:
    beam: Beam = [(300, 200), (100, 0), (600, 200)]
    found = story(orbit((200, 5), (150, 15), (650, 5)), beam=beam).count()
    assert spans(found) == []
    assert (found.counts.failures, found.counts.other_distortions, found.counts.distortions) == (1, 0, 1)


def test_one_that_is_over_before_the_beam_is_lost_is_a_distortion_of_its_own() -> None:
    beam: Beam = [(300, 200), (100, 0), (600, 200)]
    found = story(orbit((200, 5), (99, 15), (701, 5)), beam=beam).count()
    assert spans(found) == [(200, 299, 99)]
    assert found.counts.distortions == 2


def test_one_that_leads_into_a_loss_of_beam_that_does_not_count_is_its_own() -> None:
    beam: Beam = [(300, 200), (100, 0), (600, 200)]
    found = story(orbit((200, 5), (150, 15), (650, 5)), beam=beam, user=[(0, 290)]).count()
    assert spans(found) == [(200, 300, 90)]
    assert (found.counts.failures, found.counts.distortions) == (0, 1)
    assert not found.events[0].event.open


def test_one_that_leads_into_a_trip_is_one_distortion_with_it() -> None:
    beam: Beam = [(300, 200), (10, 0), (690, 200)]
    found = story(orbit((200, 5), (105, 15), (695, 5)), beam=beam).count(trip_below_s=60.0, trips_are_downtime=False)
    assert (found.counts.trips, found.counts.other_distortions, found.counts.distortions) == (1, 0, 1)


def test_one_that_is_there_when_the_beam_is_back_is_another() -> None:
    beam: Beam = [(300, 200), (100, 0), (600, 200)]
    found = story(orbit((200, 5), (250, 15), (550, 5)), beam=beam).count()
    # From 200 s it led into the loss; from 400 s the orbit is off in a beam that is there.
    assert spans(found) == [(400, 450, 50)]
    assert (found.counts.distortions, found.figures.mtbd_h) == (2, 500 / 3600)


def test_a_sample_taken_without_beam_does_not_stand_when_the_beam_is_back() -> None:
    beam: Beam = [(300, 200), (100, 0), (600, 200)]
    # At 399 s, without beam, the last sample for 100 s; it would hold until 409 s.
    found = story(orbit((400, 5), (99, GAP), (501, 5)), beam=beam).count()
    (of_orbit,) = found.further
    assert (seconds(of_orbit.beam_ns), seconds(of_orbit.unknown_ns)) == (900, 99)


def test_between_outages_that_are_merged_there_is_no_beam_and_no_distortion() -> None:
    beam: Beam = [(300, 200), (10, 0), (100, 200), (10, 0), (580, 200)]
    disturbed = story(orbit((320, 5), (60, 15), (620, 5)), beam=beam)
    assert spans(disturbed.count()) == [(320, 380, 60)]
    assert spans(disturbed.count(merge_gap_s=200.0)) == []


# --- Beside low-beam.


def test_one_that_leads_into_low_beam_is_one_distortion_with_it() -> None:
    beam: Beam = [(300, 200), (100, 150), (600, 200)]
    found = story(orbit((200, 5), (150, 15), (650, 5)), beam=beam).count()
    assert (found.counts.low_beam, found.counts.other_distortions, found.counts.distortions) == (1, 0, 1)
    # So is one that begins at the same instant.
    same = story(orbit((300, 5), (50, 15), (650, 5)), beam=beam).count()
    assert (same.counts.low_beam, same.counts.distortions) == (1, 1)


def test_one_that_begins_in_low_beam_is_a_distortion_of_its_own() -> None:
    beam: Beam = [(300, 200), (100, 150), (600, 200)]
    found = story(orbit((301, 5), (50, 15), (649, 5)), beam=beam).count()
    assert spans(found) == [(301, 351, 50)]
    assert (found.counts.low_beam, found.counts.distortions) == (1, 2)


def test_one_that_is_over_when_low_beam_begins_is_its_own() -> None:
    beam: Beam = [(300, 200), (100, 150), (600, 200)]
    found = story(orbit((200, 5), (100, 15), (700, 5)), beam=beam).count()
    assert spans(found) == [(200, 300, 100)]
    assert found.counts.distortions == 2


def test_one_that_leads_into_low_beam_that_does_not_count_is_its_own() -> None:
    # Neither the low-beam nor the no-beam that it turns into touches user time.
    beam: Beam = [(300, 200), (100, 150), (100, 0), (500, 200)]
    found = story(orbit((200, 5), (150, 15), (650, 5)), beam=beam, user=[(0, 295)]).count()
    assert spans(found) == [(200, 350, 95)]
    assert (found.counts.failures, found.counts.low_beam, found.counts.distortions) == (0, 0, 1)


def test_orbit_to_low_beam_to_no_beam_is_one_distortion() -> None:
    beam: Beam = [(300, 200), (100, 150), (100, 0), (500, 200)]
    found = story(orbit((200, 5), (150, 15), (650, 5)), beam=beam).count()
    assert (found.counts.failures, found.counts.low_beam, found.counts.distortions) == (1, 0, 1)


# --- What is not known.


def test_a_gap_is_neither_distorted_nor_the_end_of_a_distortion() -> None:
    # The last sample before the gap, at 339 s, holds until 349 s.
    found = story(orbit((300, 5), (40, 15), (100, GAP), (60, 15), (500, 5))).count()
    assert spans(found) == [(300, 500, 49 + 60)]
    (of_orbit,) = found.further
    assert (seconds(of_orbit.unknown_ns), of_orbit.coverage_pct) == (91, 90.9)


def test_one_that_ended_in_a_gap_ended_where_it_was_last_known() -> None:
    found = story(orbit((300, 5), (40, 15), (100, GAP), (560, 5))).count()
    assert spans(found) == [(300, 349, 49)]


def test_only_a_sample_within_the_limit_makes_it_nothing_and_silence_does_not() -> None:
    found = story(orbit((300, 5), (2, 15), (98, GAP), (600, 5)), {**ORBIT, "min_length_s": 0.0}).count()
    assert spans(found) == [(300, 311, 11)]


def test_a_lost_link_of_its_own_source_ends_what_is_held() -> None:
    found = story(orbit((300, 5), (40, 15), (5, GAP), (655, 5), cuts=[341])).count()
    # Held from 339 s until the link was lost at 341 s.
    assert spans(found) == [(300, 341, 41)]
    assert seconds(found.further[0].unknown_ns) == 4


def test_bad_samples_are_neither_distorted_nor_its_end() -> None:
    listed = told("orbit_x", [(300, 5), (60, 15), (640, 5)])
    value, quality = listed.value.copy(), listed.quality.copy()
    value[100:103] = [2000.0, np.nan, np.inf]  # above physical_max, no numbers
    value[200:260], quality[200:260] = 15.0, Quality.BAD
    value[320:325], quality[320:325] = 5.0, Quality.BAD
    bad = Samples("ring", "orbit_x", listed.time_ns, value, quality)
    found = story({"orbit_x": series(bad)}).count()
    assert spans(found) == [(300, 360, 60)]
    # The good sample at 199 s held until 209 s.
    assert seconds(found.further[0].unknown_ns) == 51


def test_a_bad_state_says_nothing() -> None:
    feedback = {"id": "feedback", "signal": "feedback", "words": ["off"]}
    listed = states("feedback", {0: "on", 200: "off", 300: "on", 500: "off", 600: "on"})
    bad = replace(listed, quality=np.array([0, 0, 0, Quality.BAD, 0], np.uint8))
    assert spans(story({"feedback": series(bad)}, feedback).count()) == [(200, 300, 100)]


def test_where_the_beam_is_not_known_nothing_is_known_of_its_distortion() -> None:
    # Current unknown from 409 s (held) to 500 s.
    beam: Beam = [(400, 200), (100, GAP), (500, 200)]
    found = story(orbit((350, 5), (200, 15), (450, 5)), beam=beam).count()
    assert spans(found) == [(350, 550, 59 + 50)]
    assert found.further[0].unknown_ns == 0


# --- What people say acts on the beam.


def test_said_to_be_down_takes_what_is_inside() -> None:
    disturbed = orbit((300, 5), (60, 15), (640, 5))
    down = said(Assertion.DOWN, 290, 400)
    found = story(disturbed, evidence={"corrections": [down]}).count()
    assert (spans(found), found.counts.failures, found.counts.distortions) == ([], 1, 1)


def test_said_to_be_unknown_leaves_what_is_known() -> None:
    disturbed = orbit((300, 5), (60, 15), (640, 5))
    found = story(disturbed, evidence={"corrections": [said(Assertion.UNKNOWN, 320, 340)]}).count()
    assert spans(found) == [(300, 360, 40)]


def test_said_to_be_up_or_excluded_changes_nothing_of_it() -> None:
    disturbed = orbit((300, 5), (60, 15), (640, 5))
    for correction in (
        said(Assertion.UP, 290, 400),
        said(Assertion.EXCLUDED, 290, 400, category=Exclusion.GRID),
        said(Assertion.SENSOR_FAULT, 310, 315),
    ):
        assert spans(story(disturbed, evidence={"corrections": [correction]}).count()) == [(300, 360, 60)]


def test_user_time_cancelled_late_takes_what_is_inside_and_leaves_the_rest() -> None:
    announced = ScheduleVersion.of(at(-1e8), [Block(at(0), at(1000), Category.USER)])
    turned = ScheduleVersion.of(at(-60), [Block(at(320), at(1000), Category.STUDY)])
    plan = resolve([announced, turned], notice_ns=30 * 86_400 * 10**9)
    found = story(orbit((300, 5), (60, 15), (640, 5)), {**ORBIT, "min_length_s": 0.0}, plan=plan).count()
    assert spans(found) == [(300, 360, 20)]
    assert (found.counts.failures, found.counts.distortions) == (1, 2)


# --- A definition says whether it counts.


@pytest.mark.parametrize(
    ("choice", "counted"), [("all", 2), ("none", 0), (("orbit",), 1), (("orbit", "size"), 1), ((), 0)]
)
def test_a_definition_says_which_distortions_it_counts(choice: str | tuple[str, ...], counted: int) -> None:
    vertical = {**ORBIT, "id": "vertical", "signal": "orbit_y"}
    disturbed = [(300, 5), (60, 15), (640, 5)]
    both = {"orbit_x": series(told("orbit_x", disturbed)), "orbit_y": series(told("orbit_y", disturbed))}
    found = story(both, ORBIT, vertical).count(further_distortions=choice)
    assert found.counts.other_distortions == found.counts.distortions == len(spans(found)) == counted
    assert (found.figures.mtbd_h is None) == (counted == 0)


# --- Where samples are cut does not matter.


@pytest.mark.parametrize("chunk", [1, 2, 7, 301])
def test_cutting_the_samples_into_pieces_changes_nothing(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    beam: Beam = [(300, 200), (100, 0), (600, 200)]
    disturbed = orbit((200, 5), (250, 15), (40, 5), (3, 15), (7, 9), (60, GAP), (60, 15), (380, 5), cuts=[470])
    whole = story(disturbed, beam=beam).count()
    monkeypatch.setattr(conditions, "CHUNK", chunk)
    assert story(disturbed, beam=beam).count() == whole
    assert spans(whole) == [(400, 450, 50), (560, 620, 60)]
