"""A second monitor decides whether an outage is one."""

from analytics.witness import Verdict
from facility.corrections import Assertion
from stories import GAP, Story, at, said, seconds, told


def test_an_outage_that_the_witness_sees_too_is_downtime() -> None:
    beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
    counted = Story(beam, evidence={"witness": told("second_monitor", beam)}).count()
    assert counted.counts.failures == 1
    assert counted.counts.sensor_faults == 0
    assert seconds(counted.accounts.no_beam) == 60


def test_a_signal_that_drops_while_the_witness_sees_beam_is_a_sensor_fault_and_unknown() -> None:
    beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
    counted = Story(beam, evidence={"witness": told("second_monitor", [(260, 200.0)])}).count()
    assert counted.counts.failures == 0
    assert counted.counts.sensor_faults == 1
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.unknown)) == (0, 60)
    assert counted.figures.availability_pct == 100
    assert counted.figures.availability_lower_pct == 100 * 200 / 260


def test_a_sensor_fault_ends_where_the_witness_loses_the_beam_as_well() -> None:
    beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
    witness = told("second_monitor", [(140, 200.0), (20, 0.0), (100, 200.0)])
    counted = Story(beam, evidence={"witness": witness}).count()
    assert (seconds(counted.accounts.unknown), seconds(counted.accounts.no_beam)) == (40, 20)
    assert counted.counts.failures == 1


def test_a_silent_witness_leaves_the_decision_to_the_signal_and_is_reported() -> None:
    beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
    witness = told("second_monitor", [(80, 200.0), (150, GAP), (30, 200.0)])
    counted = Story(beam, evidence={"witness": witness}).count()
    assert counted.counts.failures == 1
    assert counted.unwitnessed == 1


def test_a_witness_that_goes_low_within_five_seconds_confirms() -> None:
    beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
    witness = told("second_monitor", [(105, 200.0), (55, 0.0), (100, 200.0)])
    counted = Story(beam, evidence={"witness": witness}).count()
    assert counted.counts.failures == 1
    assert counted.sensor_faults == ()


def test_a_witness_that_goes_low_after_six_seconds_contradicts_until_then() -> None:
    beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
    witness = told("second_monitor", [(106, 200.0), (54, 0.0), (100, 200.0)])
    counted = Story(beam, evidence={"witness": witness}).count()
    assert counted.sensor_faults[0].verdict is Verdict.CONTRADICTED
    assert counted.sensor_faults[0].fault_end_ns == at(106)
    assert (seconds(counted.accounts.unknown), seconds(counted.accounts.no_beam)) == (6, 54)


def test_a_person_may_confirm_that_the_signal_was_right() -> None:
    beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
    evidence = {
        "witness": told("second_monitor", [(260, 200.0)]),
        "corrections": [said(Assertion.SENSOR_SOUND, 95, 170)],
    }
    counted = Story(beam, evidence=evidence).count()
    assert counted.counts.failures == 1
    assert seconds(counted.accounts.no_beam) == 60


def test_a_slow_witness_that_looks_only_when_the_beam_is_back_does_not_contradict() -> None:
    beam = [(100, 200.0), (4, 0.0), (100, 200.0)]
    witness = told("second_monitor", [(96, 200.0), (9, GAP), (99, 200.0)])
    counted = Story(beam, evidence={"witness": witness}).count()
    assert (counted.counts.failures, counted.counts.sensor_faults, counted.unwitnessed) == (1, 0, 1)
    assert seconds(counted.accounts.no_beam) == 4
