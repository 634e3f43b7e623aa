"""Reviews, provisional figures, offsets and ports: what is said beside a figure fits it."""

from zoneinfo import ZoneInfo

import pytest

from analytics.availability import ReportedEvent
from analytics.conditions import Kind
from analytics.events import Event
from command_line import Kado
from facility.interval import Intervals
from facility.time import NS_PER_H, NS_PER_S, parse_time
from kado.output import span, stretch
from kado.queries.events import review_of
from kado.rounding import percent

MINUTE = 60 * NS_PER_S


@pytest.mark.parametrize(("user_minutes", "review"), [(10, "acknowledge"), (31, "root cause"), (4 * 60, "assessment")])
def test_a_review_goes_by_user_time_lost_and_not_by_an_outage_that_began_in_a_shutdown(
    user_minutes: int, review: str
) -> None:
    # A day without beam, of which users lost the last minutes.
    end = 24 * NS_PER_H
    lost = Intervals.of([(end - user_minutes * MINUTE, end)])
    event = Event(Kind.NO_BEAM, 0, end, lost, 1, 1, False)
    assert review_of(ReportedEvent(event, False, user_minutes * MINUTE, False)) == review


def test_a_coverage_that_rounds_to_its_threshold_is_printed_below_it() -> None:
    assert percent(98.97, below=99.0) == "98.9"
    assert percent(99.0, below=99.0) == "99.0"


def test_a_closed_month_without_user_time_is_not_provisional(seeded: Kado) -> None:
    start, end, published = "2025-06-01T00:00:00+09:00", "2025-07-01T00:00:00+09:00", "2025-01-01T00:00:00+09:00"
    with open("shutdown.csv", "w") as file:
        file.write(f"start,end,category,published_at\n{start},{end},shutdown,{published}\n")
    assert seeded("schedule", "import", "shutdown.csv").exit_code == 0
    document = seeded("availability", "-p", "2025-06", "--format", "json").document
    assert document["provisional"] is False
    assert document["accounts_s"]["shutdown"] == 30 * 86_400
    assert "Provisional" not in seeded("availability", "-p", "2025-06").out


def test_both_ends_of_a_range_show_their_offset_where_it_changes_between_them() -> None:
    zone = ZoneInfo("Europe/Stockholm")
    start, end = parse_time("2026-10-25T02:30:00+02:00"), parse_time("2026-10-25T02:30:00+01:00")
    assert span(start, end, zone) == "2026-10-25 02:30:00 +02:00 to 2026-10-25 02:30:00 +01:00"
    assert stretch(start, end, zone) == span(start, end, zone)
    assert stretch(end, end + NS_PER_H, zone) == "2026-10-25 02:30:00 to 2026-10-25 03:30:00 +01:00"


def test_the_ports_in_operation_stand_with_the_beamlines(simulated: Kado) -> None:
    document = simulated("beamlines", "-p", "2026-11-12", "--format", "json").document
    assert document["ports"] == {"operating": 10, "total": 28}
    assert "10 of 28 in operation" in simulated("beamlines", "-p", "2026-11-12").out
