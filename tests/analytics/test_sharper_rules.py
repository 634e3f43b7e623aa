"""Rules of events that were made sharper: trips by their span, tails of recoveries, stated beam, links that are down.

Times in seconds. Limits: nominal 200, recovered 190, tolerance 180, minimum 20 mA; a sample a second.
"""

from typing import ClassVar

import numpy as np
import pytest

from facility.corrections import Assertion
from facility.interval import Intervals
from facility.profile import Profile
from made_up_ring import account, at, current, ring
from stories import Story, profile, said, seconds, states


def tail_of(*beam: tuple[float, float | None], user: tuple[tuple[float, float], ...] = ()) -> Story:
    """Return a story counted by a definition whose outages end at ``minimum``."""
    return Story(beam, user=user, rules={"no_beam_ends_at": "minimum"})


class TestTrips:
    RULES: ClassVar[dict[str, object]] = {"trip_below_s": 300.0, "trips_are_downtime": False}

    def test_down_two_hours_of_silence_and_still_down_is_no_trip(self) -> None:
        story = Story([(60, 200.0), (30, 0.0), (7200, None), (30, 0.0), (60, 200.0)], rules=self.RULES)
        counted = story.count()
        assert (counted.counts.failures, counted.counts.trips) == (1, 0)
        assert seconds(counted.accounts.no_beam) == 30 + 9 + 30

    def test_a_short_outage_with_a_short_hole_is_a_trip(self) -> None:
        counted = Story([(60, 200.0), (30, 0.0), (200, None), (30, 0.0), (60, 200.0)], rules=self.RULES).count()
        assert (counted.counts.failures, counted.counts.trips) == (0, 1)

    def test_an_outage_as_long_as_the_limit_is_no_trip(self) -> None:
        at_limit = Story([(60, 200.0), (300, 0.0), (60, 200.0)], rules=self.RULES).count()
        below = Story([(60, 200.0), (299, 0.0), (60, 200.0)], rules=self.RULES).count()
        assert (at_limit.counts.trips, below.counts.trips) == (0, 1)

    def test_time_outside_user_time_is_no_part_of_the_span(self) -> None:
        story = Story([(60, 200.0), (700, 0.0), (60, 200.0)], user=[(0, 160), (660, 820)], rules=self.RULES)
        assert (story.count().counts.failures, story.count().counts.trips) == (0, 1)


class TestTailOfARecovery:
    def test_low_beam_after_an_outage_that_ends_at_minimum_is_booked_and_no_distortion_of_its_own(self) -> None:
        counted = tail_of((60, 200.0), (60, 0.0), (100, 100.0), (60, 200.0)).count()
        assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.low_beam)) == (60, 100)
        assert (counted.counts.failures, counted.counts.low_beam, counted.counts.distortions) == (1, 0, 1)
        assert [r.event.kind.value for r in counted.events] == ["no_beam"]

    def test_a_tail_shorter_than_an_event_is_a_glitch(self) -> None:
        counted = tail_of((60, 200.0), (60, 0.0), (2, 100.0), (60, 200.0)).count()
        assert (seconds(counted.accounts.low_beam), counted.counts.glitches) == (0, 1)

    def test_low_beam_that_begins_later_is_a_distortion_of_its_own(self) -> None:
        counted = tail_of((60, 200.0), (60, 0.0), (10, 200.0), (100, 100.0), (60, 200.0)).count()
        assert (counted.counts.low_beam, counted.counts.distortions) == (1, 2)

    def test_a_tail_that_ends_in_the_next_outage_is_no_distortion_either(self) -> None:
        counted = tail_of((60, 200.0), (60, 0.0), (100, 100.0), (60, 0.0), (60, 200.0)).count()
        assert (counted.counts.failures, counted.counts.low_beam, counted.counts.distortions) == (2, 0, 2)

    def test_the_tail_of_an_outage_outside_user_time_is_a_distortion_of_user_time(self) -> None:
        counted = tail_of((60, 200.0), (60, 0.0), (100, 100.0), (60, 200.0), user=((130, 280),)).count()
        assert (counted.counts.failures, counted.counts.low_beam) == (0, 1)


class TestWhatIsStated:
    @pytest.mark.parametrize("length", [0.25, 1.0, 2.5])
    @pytest.mark.parametrize("min_samples", [1, 2, 5])
    def test_a_stated_down_is_an_outage_however_short_and_however_many_samples_a_glitch_needs(
        self, length: float, min_samples: int
    ) -> None:
        down = said(Assertion.DOWN, 60.5, 60.5 + length)
        story = Story([(120, 200.0)], rules={"min_samples": min_samples}, evidence={"corrections": [down]})
        counted = story.count()
        assert (counted.counts.failures, counted.counts.glitches) == (1, 0)
        assert seconds(counted.accounts.no_beam) == length

    def test_a_stated_down_makes_the_low_samples_before_it_part_of_the_outage(self) -> None:
        down = said(Assertion.DOWN, 61, 62)
        counted = Story([(60, 200.0), (1, 0.0), (60, 200.0)], evidence={"corrections": [down]}).count()
        assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (1, 2)

    def test_a_stated_up_of_half_a_second_ends_an_outage(self) -> None:
        up = said(Assertion.UP, 90, 90.5)
        counted = Story([(60, 200.0), (60, 0.0), (60, 200.0)], evidence={"corrections": [up]}).count()
        assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (2, 59.5)

    def test_a_flag_is_no_glitch_by_the_number_of_its_samples(self) -> None:
        permit = states("shutters", {0: "permitted", 60: "closed", 64: "permitted"})
        flagged = {"flags": {"permit": permit}}
        rules_of_flag = {"requires": ("permit",), "min_samples": 6}
        counted = Story([(120, 200.0)], rules=rules_of_flag, evidence=flagged).count()
        assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (1, 4)

    def test_a_flag_of_two_seconds_is_a_glitch_by_its_length(self) -> None:
        permit = states("shutters", {0: "permitted", 60: "closed", 62: "permitted"})
        counted = Story([(120, 200.0)], rules={"requires": ("permit",)}, evidence={"flags": {"permit": permit}}).count()
        assert (counted.counts.failures, counted.counts.glitches) == (0, 1)


class TestALinkThatIsDown:
    ON_CHANGE = ring(period_s=None, stale_after_s=None)

    def count(self, told: list[tuple[float, float]], profile: Profile = ON_CHANGE) -> dict[str, float]:
        down = Intervals.of([(at(100), at(900))])
        found = account(told, (0, 1000), profile=profile, cuts=[100], link_down=down)
        return {name: seconds(getattr(found.accounts, name)) for name in ("delivered", "no_beam", "unknown")}

    def test_a_sample_stamped_a_second_after_the_loss_holds_nothing(self) -> None:
        assert self.count([(0, 200), (101, 200)]) == {"delivered": 100, "no_beam": 0, "unknown": 900}

    def test_what_comes_after_the_link_is_back_holds_again(self) -> None:
        assert self.count([(0, 200), (101, 200), (950, 200)]) == {"delivered": 150, "no_beam": 0, "unknown": 850}

    def test_a_sample_stamped_while_it_was_down_still_says_what_the_beam_was_then(self) -> None:
        # Down before, seen up at 500: the outage is over, and at 950 another one begins.
        told = [(0, 200.0), (50, 0.0), (500, 200.0), (950, 0.0)]
        found = account(
            told, (0, 1000), profile=self.ON_CHANGE, cuts=[100], link_down=Intervals.of([(at(100), at(900))])
        )
        assert found.counts.failures == 2

    def test_samples_of_a_polled_signal_delivered_later_count_as_ever(self) -> None:
        found = self.count(current((0, 200), until=1000), ring())
        assert found == {"delivered": 1000, "no_beam": 0, "unknown": 0}

    def test_what_a_person_states_holds_whatever_the_link_does(self) -> None:
        down = Intervals.of([(at(100), at(900))])
        up = said(Assertion.UP, 200, 300)
        story = Story(
            [(100, 200.0), (900, None)],
            profile=profile(signal=[s | self._on_change(s) for s in profile().model_dump(by_alias=True)["signal"]]),
            evidence={"corrections": [up], "link_down": down, "cuts": np.array([at(100)])},
        )
        assert seconds(story.count().accounts.delivered) == 200

    @staticmethod
    def _on_change(signal: dict[str, object]) -> dict[str, object]:
        return {"period_s": None, "stale_after_s": None} if signal["id"] == "stored_current" else {}
