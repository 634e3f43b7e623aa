"""User time that is taken away too late is paid for as downtime."""

from facility.schedule import Block, Category, Plan, ScheduleVersion, resolve
from facility.time import NS_PER_DAY
from stories import T0, Story, at, seconds

NOTICE = 30 * NS_PER_DAY


def cancelled(days_ahead: float, start: float = 1000, end: float = 2000) -> Plan:
    """A block of 4,000 s, part of which becomes maintenance, published `days_ahead` of that part."""
    first = ScheduleVersion.of(T0 - 90 * NS_PER_DAY, [Block(at(0), at(4000), Category.USER)])
    published = at(start) - round(days_ahead * NS_PER_DAY)
    second = ScheduleVersion.of(published, [Block(at(start), at(end), Category.MAINTENANCE)])
    return resolve([first, second], notice_ns=NOTICE)


def test_cancelled_a_day_ahead_it_stays_user_time_and_is_an_outage() -> None:
    counted = Story([(4000, 200.0)], plan=cancelled(1)).count()
    assert (seconds(counted.accounts.user_time), seconds(counted.accounts.no_beam)) == (4000, 1000)
    assert counted.counts.failures == 1


def test_cancelled_thirty_days_ahead_it_is_no_longer_user_time() -> None:
    counted = Story([(4000, 200.0)], plan=cancelled(30)).count()
    assert (seconds(counted.accounts.user_time), seconds(counted.accounts.maintenance)) == (3000, 1000)
    assert counted.counts.failures == 0


def test_cancelled_a_second_later_than_thirty_days_ahead_its_first_second_is_downtime() -> None:
    counted = Story([(4000, 200.0)], plan=cancelled(30 - 1 / 86_400)).count()
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.maintenance)) == (1, 999)
    assert counted.counts.failures == 1


def test_a_cancellation_and_an_outage_that_overlap_are_one_failure() -> None:
    counted = Story([(1500, 200.0), (1000, 0.0), (1500, 200.0)], plan=cancelled(1)).count()
    assert counted.counts.failures == 1
    assert seconds(counted.accounts.no_beam) == 1500


def test_a_cancellation_and_an_outage_apart_are_two_failures() -> None:
    counted = Story([(2500, 200.0), (500, 0.0), (1000, 200.0)], plan=cancelled(1)).count()
    assert counted.counts.failures == 2
    assert seconds(counted.accounts.no_beam) == 1500


def test_a_block_cancelled_while_it_runs_is_downtime_from_then_on() -> None:
    first = ScheduleVersion.of(T0 - 90 * NS_PER_DAY, [Block(at(0), at(4000), Category.USER)])
    second = ScheduleVersion.of(at(1000), [Block(at(0), at(4000), Category.STUDY)])
    counted = Story([(4000, 200.0)], plan=resolve([first, second], notice_ns=NOTICE)).count()
    assert (seconds(counted.accounts.user_time), seconds(counted.accounts.no_beam)) == (4000, 3000)


def test_time_given_back_to_users_is_no_longer_cancelled() -> None:
    first = ScheduleVersion.of(T0 - 90 * NS_PER_DAY, [Block(at(0), at(4000), Category.USER)])
    second = ScheduleVersion.of(T0 - NS_PER_DAY, [Block(at(1000), at(2000), Category.MAINTENANCE)])
    third = ScheduleVersion.of(T0 - NS_PER_DAY // 2, [Block(at(1000), at(2000), Category.RESERVE)])
    counted = Story([(4000, 200.0)], plan=resolve([first, second, third], notice_ns=NOTICE)).count()
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.reserve)) == (0, 1000)


def test_user_time_moved_to_reserve_is_no_cancellation() -> None:
    first = ScheduleVersion.of(T0 - 90 * NS_PER_DAY, [Block(at(0), at(4000), Category.USER)])
    second = ScheduleVersion.of(T0 - NS_PER_DAY, [Block(at(0), at(4000), Category.RESERVE)])
    counted = Story([(4000, 200.0)], plan=resolve([first, second], notice_ns=NOTICE)).count()
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.reserve)) == (0, 4000)
