"""A whole fiscal year: too long for every day, `make soak` runs it."""

import numpy as np
import pytest

from facility.profile import load_profile
from simulators.machine import Machine
from simulators.scenario import load_scenario

pytestmark = pytest.mark.soak

PROFILE = load_profile("nanoterasu_sim")


def test_fiscal_year_2024_comes_out_near_the_published_availability_whatever_the_seed() -> None:
    year = PROFILE.period("FY2024")
    found: list[float] = []
    for seed in range(1, 6):
        accounts = Machine(PROFILE, load_scenario("fy2024"), seed).answer_key(year.start_ns, year.end_ns).accounts_s
        found.append(100 * accounts.delivered / (accounts.delivered + accounts.no_beam))
    assert np.mean(found) == pytest.approx(99.6, abs=0.12)
    assert all(99.2 < pct < 99.95 for pct in found)
