"""Shutter hours of beamlines and energy of pulsed sources, computed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analytics.beamlines import ShutterTime, beamline_time
from analytics.energy import delivered_mwh
from analytics.evidence import Evidence, apply_evidence
from analytics.links import LinkLoss
from facility.batch import Samples
from facility.errors import ProfileError
from facility.interval import Intervals
from facility.profile import Beamline, Profile
from facility.quality import Quality
from facility.time import NS_PER_S
from made_up_ring import SIGNAL, account, at, calendar, current, ring, rules, samples

S = NS_PER_S


def said(*steps: tuple[float, str]) -> Samples:
    words = ("open", "closed")
    return Samples.sorted(
        "ring", "shutter", np.array([at(t) for t, _ in steps], np.int64), np.full(len(steps), np.nan),
        state=np.array([words.index(word) for _, word in steps], np.int32), words=words,
    )  # fmt: skip


def shutter_time(shutter: Samples, cuts: list[float]) -> ShutterTime:
    plan = calendar((0, 1000, "user"))
    # Beam for 600 s, then none.
    machine = account(current((0, 200.0), (600, 0.0), until=1000), (0, 1000), plan=plan)
    found = beamline_time(
        Beamline(id="bl01", shutter="shutter"), machine, plan, rules(), Intervals.empty(), shutter,
        LinkLoss(np.array([at(c) for c in cuts], np.int64)),
    )  # fmt: skip
    assert found.machine.user_time == 1000 * S
    assert found.machine.no_beam == 400 * S
    assert found.shutter is not None
    return found.shutter


def test_a_shutter_holds_its_word_until_the_next_one() -> None:
    found = shutter_time(said((-50, "open"), (500, "closed"), (900, "open")), [])
    assert found == ShutterTime(open=600 * S, closed=400 * S, unknown=0, open_with_beam=500 * S)


def test_before_its_first_word_a_shutter_is_unknown() -> None:
    found = shutter_time(said((100, "open")), [])
    assert found == ShutterTime(open=900 * S, closed=0, unknown=100 * S, open_with_beam=500 * S)


def test_a_lost_link_ends_what_is_known_until_the_shutter_is_told_of_again() -> None:
    found = shutter_time(said((-50, "open"), (800, "closed")), [300])
    assert found == ShutterTime(open=300 * S, closed=200 * S, unknown=500 * S, open_with_beam=300 * S)


def test_what_a_lost_shutter_goes_on_telling_is_unknown_until_it_is_told_of_again() -> None:
    shutter = said((-50, "open"), (300, "open"), (800, "closed"))
    shutter = replace(shutter, quality=np.array([Quality.GOOD, Quality.BAD, Quality.GOOD], np.uint8))
    found = shutter_time(shutter, [])
    assert found == ShutterTime(open=300 * S, closed=200 * S, unknown=500 * S, open_with_beam=300 * S)


def test_a_shutter_that_said_nothing_is_unknown_all_the_time() -> None:
    nothing = Samples.empty("ring", "shutter")
    assert shutter_time(nothing, []) == ShutterTime(0, 0, 1000 * S, 0)


@pytest.mark.parametrize(
    ("beamline", "expected"),
    [
        ({"id": "bl01", "shutter": SIGNAL}, f"shutter '{SIGNAL}' is not a state signal"),
        ({"id": "bl01", "shutter": "gate"}, "shutter 'gate' is not a state signal"),
        ({"id": "bl01", "shutter": "shutters", "open": ["ajar"]}, "'ajar' is not a word of signal 'shutters'"),
    ],
)
def test_a_beamline_with_no_such_shutter_is_refused(beamline: dict[str, object], expected: str) -> None:
    with pytest.raises((ProfileError, ValueError), match=expected):
        Profile.model_validate({**ring().model_dump(by_alias=True), "beamline": [beamline]})


class TestEnergy:
    def test_power_over_known_time_is_energy(self) -> None:
        # 900 kW for half an hour, then 300 kW for as long: 0.6 MWh.
        assert math.isclose(self.delivered(current((0, 900.0), (1800, 300.0), until=3600), 0, 3600), 0.6)

    def test_of_a_gap_only_what_the_last_sample_holds_is_counted(self) -> None:
        # The last sample before the gap holds for 10 s more, at 360 kW: 1 kWh for each 10 s.
        gap = current((0, 360.0), until=300, silent=[(100, 200)])
        assert math.isclose(self.delivered(gap, 0, 300), (99 + 10 + 100) * 0.1 / 1000)

    def test_only_the_time_asked_for_counts(self) -> None:
        assert math.isclose(self.delivered(current((0, 900.0), until=3600), 600.5, 1200.5), 0.15)

    def test_below_zero_and_bad_samples_deliver_nothing(self) -> None:
        assert self.delivered(current((0, -5.0), until=100), 0, 100) == 0.0
        # The first second is good, and holds for 10 s.
        bad = {float(s): Quality.BAD for s in range(1, 100)}
        assert math.isclose(self.delivered(current((0, 360.0), until=100), 0, 100, bad), 0.001)

    def delivered(
        self,
        points: list[tuple[float, float]],
        start_s: float,
        end_s: float,
        quality: dict[float, Quality] | None = None,
    ) -> float:
        profile = ring(physical_max=1000.0)
        plan = calendar((start_s, end_s, "user"))
        start, end = at(start_s), at(end_s)
        applied = apply_evidence(Evidence(samples(points, quality), start, end), profile, rules(), plan)
        return delivered_mwh(applied, Intervals.of([(start, end)]))
