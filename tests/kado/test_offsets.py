"""Tables whose rows lie on both sides of a change of the clocks say so."""

from zoneinfo import ZoneInfo

from facility.time import parse_time
from kado.output import offsets_of


def test_a_table_over_the_end_of_summer_time_names_both_offsets_in_order() -> None:
    instants = [parse_time(text) for text in ("2024-10-26T07:00:00Z", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z")]
    assert offsets_of(instants, ZoneInfo("Europe/Stockholm")) == "+02:00, then +01:00"
    assert offsets_of(instants, ZoneInfo("Asia/Tokyo")) == "+09:00"
