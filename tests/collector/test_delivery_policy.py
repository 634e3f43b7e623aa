"""What follows from an answer of InfluxDB."""

import pytest

from collector.delivery_policy import Action, DeliveryPolicy
from storage.influxdb.client import WriteAnswer

POLICY = DeliveryPolicy(chance=lambda: 0.5)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (204, Action.SETTLE),
        # Not success: what answers there is not InfluxDB's write, and may be gone at the next attempt.
        (200, Action.RETRY),
        (201, Action.RETRY),
        (301, Action.RETRY),
        (401, Action.HOLD),
        (403, Action.HOLD),
        (404, Action.HOLD),
        (405, Action.HOLD),
        (400, Action.SUSPECT),
        (422, Action.SUSPECT),
        (413, Action.SPLIT),
        (None, Action.RETRY),
        (408, Action.RETRY),
        (429, Action.RETRY),
        (500, Action.RETRY),
        (502, Action.RETRY),
        (503, Action.RETRY),
        (504, Action.RETRY),
        (599, Action.RETRY),
    ],
)
def test_each_answer_has_its_consequence(status: int | None, action: Action) -> None:
    decision = POLICY.decide(WriteAnswer(status), failures=0)
    assert decision.action is action
    assert (decision.pause_s > 0) == (action in (Action.RETRY, Action.HOLD))


@pytest.mark.parametrize(("failures", "bound_s"), [(0, 0.5), (1, 1.0), (3, 4.0), (7, 60.0), (10_000, 60.0)])
@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
def test_waits_before_retries_are_drawn_below_a_bound_that_doubles(
    failures: int, bound_s: float, chance: float
) -> None:
    policy = DeliveryPolicy(chance=lambda: chance)
    assert policy.decide(WriteAnswer(503), failures).pause_s == pytest.approx(chance * bound_s)


@pytest.mark.parametrize("status", [429, 503, 401])
def test_a_server_that_asks_for_time_gets_it(status: int) -> None:
    assert POLICY.decide(WriteAnswer(status, retry_after_s=100.0), 0).pause_s == 100.0


def test_a_server_that_asks_for_too_much_time_is_asked_again_within_the_hour() -> None:
    assert POLICY.decide(WriteAnswer(503, retry_after_s=1e9), 0).pause_s == 3600.0


def test_asking_for_less_time_than_drawn_changes_nothing() -> None:
    assert POLICY.decide(WriteAnswer(503, retry_after_s=0.0), 3).pause_s == 2.0


def test_a_hold_is_tried_again_seldom_and_for_ever() -> None:
    assert {POLICY.decide(WriteAnswer(401), n).pause_s for n in (0, 1, 1000)} == {30.0}
