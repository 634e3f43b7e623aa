"""Repetition by a rule gives what dateutil gives, wherever kado reads the rule."""

from datetime import datetime, timedelta

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.errors import ScheduleError
from facility.ics.rule import Work, parse_rule

START = datetime(2000, 2, 29, 9, 30)  # noqa: DTZ001 - rules are about local times. A Tuesday.

TABLE = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3;COUNT=40",
    "FREQ=DAILY;BYMONTH=2,3;BYDAY=TU,SA",
    "FREQ=DAILY;BYHOUR=9,21;BYMINUTE=0,30",
    "FREQ=DAILY;BYMONTHDAY=-1",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU",
    "FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=SU,TU",
    "FREQ=WEEKLY;BYMONTH=2,12;COUNT=20",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYMONTHDAY=-1,1",
    "FREQ=MONTHLY;BYDAY=-1TU,2WE",
    "FREQ=MONTHLY;INTERVAL=5;BYDAY=TU;BYMONTHDAY=29",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1,1",
    "FREQ=MONTHLY;BYDAY=TU;BYHOUR=9,12;BYSETPOS=-2",
    "FREQ=YEARLY",
    "FREQ=YEARLY;INTERVAL=2",
    "FREQ=YEARLY;BYMONTH=2,9",
    "FREQ=YEARLY;BYMONTHDAY=29",
    "FREQ=YEARLY;BYDAY=9TU",
    "FREQ=YEARLY;BYMONTH=2;BYDAY=-1TU",
    "FREQ=YEARLY;BYYEARDAY=60,-1",
    "FREQ=YEARLY;BYYEARDAY=60;BYDAY=TU",
    "FREQ=YEARLY;BYMONTH=2,3;BYDAY=TU;BYSETPOS=5,-1",
]


@pytest.mark.parametrize("text", TABLE)
@given(after=st.integers(0, 4000), length=st.integers(0, 900))
@settings(max_examples=10, deadline=None)
def test_a_rule_gives_the_times_that_dateutil_gives(text: str, after: int, length: int) -> None:
    first = START + timedelta(days=after)
    last = first + timedelta(days=length)
    rule, work = parse_rule(text, whole_days=False), Work()
    rule.check_start(START, work)
    reference = rrule.rrulestr(text, dtstart=START).between(first, last, inc=True)
    assert list(rule.times(START, first, last, work)) == reference


def test_a_position_counts_in_the_whole_week_also_in_the_first() -> None:
    """RFC 5545 3.3.10; dateutil begins the first week at the start of the event."""
    rule, work = parse_rule("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1", whole_days=False), Work()
    with pytest.raises(ScheduleError, match="its start 2000-02-29 09:30:00 is not one of the times"):
        rule.check_start(START, work)


@given(st.text(st.sampled_from("FREQ=DAILY;BYMONTH=1,2COUNT-9UNTIL0ZWKSTBYSETPOSBYHOUR"), max_size=60))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        parse_rule(text, whole_days=False)
    except ScheduleError:
        return
    assert "FREQ=DAILY" in text.upper()
