"""Derived series are made what they should be, whatever was there before."""

import pytest

from facility.time import NS_PER_H
from servers import Bucket
from storage.derived import Point, Scope
from storage.influxdb.client import InfluxClient
from storage.influxdb.derived import DerivedBucket, change, encode_points

FIGURES = Scope("figures", (("definition", "sls"), ("facility", "ring"), ("period", "month")))
HOUR = NS_PER_H


def point(time_ns: int, *tags: tuple[str, str], **fields: float | int | bool | str) -> Point:
    return Point(time_ns, tags, fields)


def test_what_is_there_already_is_not_written_again() -> None:
    held = [point(1, availability_pct=99.0, failures=2)]
    assert change(held, [point(1, availability_pct=99.0, failures=2)]) == change([], [])


def test_a_figure_that_no_longer_exists_takes_its_point_away_first() -> None:
    found = change([point(1, mtbf_h=3.0, failures=1)], [point(1, failures=0)])
    assert found.delete == (1,)
    assert found.write == (point(1, failures=0),)


def test_a_point_that_is_not_wanted_goes_and_its_neighbours_stay() -> None:
    found = change([point(1, a=1), point(2, a=2), point(3, a=3)], [point(1, a=1), point(3, a=3)])
    assert (found.delete, found.write) == ((2,), ())


def test_another_point_of_the_same_instant_is_written_again_when_that_instant_is_deleted() -> None:
    rf, vacuum = ("system", "rf"), ("system", "vacuum")
    found = change([point(1, rf, a=1), point(1, vacuum, a=2)], [point(1, vacuum, a=2)])
    assert found.delete == (1,)
    assert found.write == (point(1, vacuum, a=2),)


def test_text_and_tags_are_escaped() -> None:
    scope = Scope("events", (("facility", "ring"),))
    line = encode_points(scope, [point(1, ("system", "RF, cavity=2"), text='said "no"\\', open=True, n=1, x=0.5)])
    expected = r'events,facility=ring,system=RF\,\ cavity\=2 n=1i,open=true,text="said \"no\"\\",x=0.5 1' + "\n"
    assert line.decode() == expected


@pytest.fixture
def derived(influx_bucket: Bucket) -> DerivedBucket:
    return DerivedBucket(InfluxClient(influx_bucket.url, influx_bucket.org, influx_bucket.name, influx_bucket.token))


def test_a_scope_in_influxdb_becomes_what_is_wanted_and_nothing_outside_changes(
    derived: DerivedBucket, influx_bucket: Bucket
) -> None:
    other = Scope("figures", (("definition", "esrf"), ("facility", "ring"), ("period", "month")))
    first = [point(HOUR, availability_pct=99.5, mtbf_h=10.0), point(2 * HOUR, availability_pct=98.0, failures=1)]
    assert derived.replace(FIGURES, first) == 2
    assert derived.replace(other, first) == 2
    assert derived.replace(FIGURES, first) == 0
    assert derived.replace(FIGURES, [point(HOUR, availability_pct=99.5)]) == 3
    rows = influx_bucket.query('SELECT * FROM "figures"')
    assert {(r["definition"], r["time"], r["availability_pct"], r["mtbf_h"]) for r in rows} == {
        ("sls", HOUR, 99.5, None),
        ("esrf", HOUR, 99.5, 10.0),
        ("esrf", 2 * HOUR, 98.0, None),
    }


def test_a_part_of_a_measurement_is_replaced_by_its_time(derived: DerivedBucket, influx_bucket: Bucket) -> None:
    whole = Scope("events", (("facility", "ring"),))
    part = Scope("events", (("facility", "ring"),), 2 * HOUR, 3 * HOUR)
    derived.replace(whole, [point(t * HOUR, ("kind", "no_beam"), ("system", "none"), n=t) for t in (1, 2, 3)])
    derived.replace(part, [point(2 * HOUR, ("kind", "no_beam"), ("system", "RF cavity"), n=2)])
    rows = influx_bucket.query('SELECT n FROM "events" GROUP BY "system"')
    assert sorted((r["time"] // HOUR, r["system"]) for r in rows) == [(1, "none"), (2, "RF cavity"), (3, "none")]


def test_many_surplus_points_are_deleted_at_once(derived: DerivedBucket, influx_bucket: Bucket) -> None:
    scope = Scope("beam_state", (("facility", "ring"),), 0, 200 * HOUR)
    derived.replace(scope, [point(t * HOUR, state="up") for t in range(100)])
    derived.replace(scope, [point(t * HOUR + 1, state="none") for t in range(50)])
    rows = influx_bucket.query('SELECT state FROM "beam_state"')
    assert [(r["time"], r["state"]) for r in rows] == [(t * HOUR + 1, "none") for t in range(50)]


def test_a_bucket_may_have_a_slash_in_its_name(influx_bucket: Bucket) -> None:
    name = f"{influx_bucket.name}_v1/figures"
    influx_bucket.server.create_bucket(name=name)
    client = InfluxClient(influx_bucket.url, influx_bucket.org, name, influx_bucket.token)
    scope = Scope("losses", (("facility", "ring"),))
    tagged, bare = point(HOUR, ("system", "rf"), n=1), point(HOUR, n=2)
    written = [DerivedBucket(client).replace(scope, wanted) for wanted in ([tagged, bare], [tagged, bare], [bare])]
    client.close()
    assert written == [2, 0, 2]
