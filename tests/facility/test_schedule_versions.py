"""The calendar: versions laid over each other, and nothing changed behind its own publication."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facility.errors import ScheduleError
from facility.interval import Intervals
from facility.schedule import (
    Block,
    Category,
    Plan,
    ScheduleVersion,
    check_changes_something,
    dated_back,
    resolve,
)

USER, STUDY, SHUTDOWN, RESERVE = Category.USER, Category.STUDY, Category.SHUTDOWN, Category.RESERVE


def version(published: int, *blocks: tuple[int, int, Category]) -> ScheduleVersion:
    return ScheduleVersion.of(published, [Block(*block) for block in blocks])


def listed(plan: Plan) -> list[tuple[int, int, Category]]:
    return [(b.start_ns, b.end_ns, b.category) for b in plan.blocks]


def test_a_later_version_replaces_what_was_said_between_its_first_start_and_last_end() -> None:
    first = version(-9, (0, 30, USER), (30, 40, STUDY))
    second = version(-5, (10, 12, SHUTDOWN), (18, 20, RESERVE))
    assert listed(resolve([second, first])) == [
        (0, 10, USER),
        (10, 12, SHUTDOWN),
        (18, 20, RESERVE),
        (20, 30, USER),
        (30, 40, STUDY),
    ]
    assert resolve([first, second]).category_at(15) is Category.UNSCHEDULED


def test_a_version_changes_nothing_before_its_own_publication() -> None:
    plan = resolve([version(-9, (0, 30, USER)), version(10, (0, 30, SHUTDOWN))])
    assert listed(plan) == [(0, 10, USER), (10, 30, SHUTDOWN)]
    assert plan.warnings == (
        "the schedule version published 1970-01-01T00:00:00.00000001Z has rows from 1970-01-01T00:00:00Z on: what"
        " lies before its publication is ignored",
    )


def test_the_plan_may_be_seen_as_it_was_known() -> None:
    versions = [version(-9, (0, 30, USER)), version(-5, (0, 30, SHUTDOWN))]
    assert listed(resolve(versions, as_known_on_ns=-6)) == [(0, 30, USER)]
    assert listed(resolve(versions, as_known_on_ns=-5)) == [(0, 30, SHUTDOWN)]
    assert listed(resolve(versions, as_known_on_ns=-10)) == []


def test_of_equal_publication_times_the_later_one_given_wins() -> None:
    a, b = version(-1, (0, 10, USER)), version(-1, (0, 10, STUDY))
    assert listed(resolve([a, b])) == [(0, 10, STUDY)]
    assert listed(resolve([b, a])) == [(0, 10, USER)]


def test_an_unscheduled_block_withdraws_the_first_or_the_last_block_of_an_earlier_version() -> None:
    first = version(-9, (0, 10, USER), (20, 30, USER), (40, 50, USER))
    plan = resolve([first, version(-5, (0, 10, Category.UNSCHEDULED), (20, 30, USER), (40, 50, Category.UNSCHEDULED))])
    assert listed(plan) == [(20, 30, USER)]
    late = resolve([first, version(35, (40, 50, Category.UNSCHEDULED))], notice_ns=10)
    assert [(p.block.start_ns, p.block.end_ns, p.cancelled) for p in late.planned] == [
        (0, 10, False),
        (20, 30, False),
        (40, 45, True),
    ]


def test_a_late_cancellation_counts_by_the_instant_however_the_calendar_is_cut() -> None:
    notice = 30
    whole = version(0, (100, 203, USER))
    in_days = version(0, *((day, day + 1, USER) for day in range(100, 203)))
    shutdown = version(81, (100, 203, SHUTDOWN))  # 19 ahead of the first.
    plans = [resolve([first, shutdown], notice_ns=notice) for first in (whole, in_days)]
    assert [plan.user_time for plan in plans] == [Intervals.of([(100, 111)])] * 2
    assert [plan.cancelled for plan in plans] == [Intervals.of([(100, 111)])] * 2
    assert [plan.intervals(SHUTDOWN) for plan in plans] == [Intervals.of([(111, 203)])] * 2


DAY = 24 * 3600 * 10**9


def test_as_known_on_goes_by_the_record_and_as_published_on_by_the_stated_publication() -> None:
    first = ScheduleVersion(-60 * DAY, (Block(0, 30 * DAY, USER),), recorded_at_ns=-60 * DAY)
    back = ScheduleVersion(-40 * DAY, (Block(0, 30 * DAY, SHUTDOWN),), recorded_at_ns=200 * DAY)
    both = [first, back]
    assert resolve(both, as_known_on_ns=100 * DAY).category_at(0) is USER
    assert resolve(both, as_known_on_ns=200 * DAY).category_at(0) is SHUTDOWN
    assert resolve(both, as_published_on_ns=-40 * DAY).category_at(0) is SHUTDOWN
    assert resolve(both, as_published_on_ns=-50 * DAY).category_at(0) is USER
    assert resolve(both).category_at(0) is SHUTDOWN


@pytest.mark.parametrize(
    ("recorded", "late"),
    [
        (None, False),  # Not in a journal yet.
        (-39 * DAY, False),  # A day after its publication, exactly.
        (-10 * DAY, False),  # Late, but before the time that it changes.
        (0, False),
        (1, True),
        (200 * DAY, True),
    ],
)
def test_a_version_recorded_late_and_after_time_that_it_changes_is_dated_back(recorded: int | None, late: bool) -> None:
    back = ScheduleVersion(-40 * DAY, (Block(0, 30 * DAY, SHUTDOWN),), recorded)
    assert back.is_dated_back is late
    assert dated_back([back]) == ((back,) if late else ())


def test_a_version_that_was_published_after_its_first_block_changes_time_from_its_publication_on() -> None:
    blocks = (Block(0, 30 * DAY, SHUTDOWN),)
    assert not ScheduleVersion(10 * DAY, blocks, 11 * DAY).is_dated_back
    assert ScheduleVersion(10 * DAY, blocks, 11 * DAY + 1).is_dated_back
    assert not ScheduleVersion(40 * DAY, blocks, 90 * DAY).is_dated_back  # It changes nothing at all.


def test_a_block_that_is_cut_keeps_what_it_says() -> None:
    block = Block(0, 30, USER, tags=("shared",), run="2025A", note="first beam")
    plan = resolve([ScheduleVersion.of(-9, [block]), version(-5, (10, 20, SHUTDOWN))])
    assert plan.blocks[2] == Block(20, 30, USER, tags=("shared",), run="2025A", note="first beam")
    assert plan.runs == {"2025A": (0, 30)}
    assert [p.published_at_ns for p in plan.planned] == [-9, -5, -9]


def test_user_time_is_user_and_reserve_abutting_blocks_joined() -> None:
    plan = resolve([version(-9, (0, 10, USER), (10, 20, RESERVE), (20, 30, STUDY), (30, 40, USER))])
    assert plan.user_time == Intervals.of([(0, 20), (30, 40)])
    assert plan.intervals(STUDY) == Intervals.of([(20, 30)])
    assert plan.block_at(10) == Block(10, 20, RESERVE)
    assert plan.block_at(40) is None


edges = st.integers(-3, 12)


@st.composite
def versions_strategy(draw: st.DrawFn) -> list[ScheduleVersion]:
    made: list[ScheduleVersion] = []
    for _ in range(draw(st.integers(0, 4))):
        cuts = sorted(draw(st.sets(edges, min_size=2, max_size=7)))
        spans = list(itertools.pairwise(cuts))
        kept = draw(st.lists(st.sampled_from(spans), min_size=1, unique=True))
        blocks = [Block(a, b, draw(st.sampled_from(Category))) for a, b in kept]
        made.append(ScheduleVersion.of(draw(st.integers(-5, 10)), blocks))
    return made


@given(versions_strategy(), st.one_of(st.none(), edges))
def test_at_every_instant_the_last_version_that_may_speak_of_it_decides(
    versions: list[ScheduleVersion], known: int | None
) -> None:
    plan = resolve(versions, known)
    for instant in range(-5, 15):
        expected = Category.UNSCHEDULED
        for v in sorted(versions, key=lambda v: v.published_at_ns):
            heard = known is None or v.published_at_ns <= known
            if heard and max(v.start_ns, v.published_at_ns) <= instant < v.end_ns:
                inside = [b.category for b in v.blocks if b.start_ns <= instant < b.end_ns]
                expected = inside[0] if inside else Category.UNSCHEDULED
        assert plan.category_at(instant) is expected
    blocks = plan.blocks
    assert all(a.end_ns <= b.start_ns for a, b in itertools.pairwise(blocks))
    assert all(b.end_ns > b.start_ns for b in blocks)


# --- What is refused.


def test_overlapping_blocks_are_an_error_that_names_both() -> None:
    hour = 3600 * 10**9
    with pytest.raises(ScheduleError) as error:
        version(-hour, (2 * hour, 4 * hour, STUDY), (0, 3 * hour, USER))
    assert str(error.value) == (
        "blocks overlap in the version published 1969-12-31T23:00:00Z: user 1970-01-01T00:00:00Z to"
        " 1970-01-01T03:00:00Z and study 1970-01-01T02:00:00Z to 1970-01-01T04:00:00Z; move or cut one of them"
    )


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "a schedule version needs at least one block"),
        (
            [(5, 5, USER)],
            "block user 1970-01-01T00:00:00.000000005Z to 1970-01-01T00:00:00.000000005Z does not end after its start",
        ),
    ],
)
def test_a_version_that_cannot_be_is_refused(blocks: list[tuple[int, int, Category]], message: str) -> None:
    with pytest.raises(ScheduleError) as error:
        version(0, *blocks)
    assert str(error.value) == message


def test_versions_that_change_only_the_past_are_refused() -> None:
    past, future = version(10 * 10**9, (0, 5 * 10**9, USER)), version(0, (0, 5 * 10**9, USER))
    check_changes_something([past, future])
    check_changes_something([])
    with pytest.raises(ScheduleError) as error:
        check_changes_something([past])
    assert str(error.value) == (
        "every row would change only the past: the version published 1970-01-01T00:00:10Z ends at 1970-01-01T00:00:05Z;"
        " for imported history state the time at which it was published then, in published_at"
    )
