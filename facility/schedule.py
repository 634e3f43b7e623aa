"""The operation calendar: what was planned, and when it was published.

Every version of the calendar is kept. A version replaces what earlier ones said between its first start and
its last end, and nothing outside; it changes nothing before its own publication time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from facility.errors import ScheduleError
from facility.interval import Intervals
from facility.time import format_time


class Category(StrEnum):
    """What a stretch of time is planned for."""

    USER = "user"
    RESERVE = "reserve"
    STUDY = "study"
    TUNING = "tuning"
    MAINTENANCE = "maintenance"
    SHUTDOWN = "shutdown"
    COMMISSIONING = "commissioning"
    UNSCHEDULED = "unscheduled"

    @property
    def is_user_time(self) -> bool:
        """Whether it belongs to the denominator of availability."""
        return self in (Category.USER, Category.RESERVE)


PLANNED_CATEGORIES = tuple(c for c in Category if c is not Category.UNSCHEDULED)
"""What a schedule may say; unplanned time is `Category.UNSCHEDULED`."""

OPERATING_CATEGORIES = (Category.USER, Category.RESERVE, Category.STUDY, Category.TUNING, Category.COMMISSIONING)
"""Operating time: the machine is to run."""


@dataclass(frozen=True, slots=True)
class Block:
    """One row of the calendar."""

    start_ns: int
    end_ns: int
    category: Category
    tags: tuple[str, ...] = ()
    """Such as ``shared``, ``coalition``, or a beamline."""
    run: str | None = None
    """Name of the run it belongs to, usable as a period."""
    note: str = ""

    def describe(self) -> str:
        """Return the block as people read it in a message."""
        return f"{self.category.value} {format_time(self.start_ns)} to {format_time(self.end_ns)}"


@dataclass(frozen=True, slots=True)
class ScheduleVersion:
    """Blocks that were published together; use `ScheduleVersion.of`."""

    published_at_ns: int
    blocks: tuple[Block, ...]
    """In order of time, not overlapping."""

    @classmethod
    def of(cls, published_at_ns: int, blocks: Iterable[Block]) -> "ScheduleVersion":
        """Check and order the blocks of a version.

        Raises
        ------
        ScheduleError
            If there is none, one does not end after its start, one says ``unscheduled``, or two overlap.
        """
        ordered = tuple(sorted(blocks, key=lambda b: (b.start_ns, b.end_ns)))
        if not ordered:
            raise ScheduleError("a schedule version needs at least one block")
        for block in ordered:
            if block.end_ns <= block.start_ns:
                raise ScheduleError(f"block {block.describe()} does not end after its start")
            if block.category not in PLANNED_CATEGORIES:
                raise ScheduleError(f"block {block.describe()}: leave unscheduled time out of the schedule instead")
        for earlier, later in pairwise(ordered):
            if later.start_ns < earlier.end_ns:
                raise ScheduleError(
                    f"blocks overlap in the version published {format_time(published_at_ns)}: "
                    f"{earlier.describe()} and {later.describe()}; move or cut one of them"
                )
        return cls(published_at_ns, ordered)

    @property
    def start_ns(self) -> int:
        """First instant that the version speaks of."""
        return self.blocks[0].start_ns

    @property
    def end_ns(self) -> int:
        """End of the last block."""
        return self.blocks[-1].end_ns


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A block, or what is left of it, as planned in the end."""

    block: Block
    published_at_ns: int
    """When the version that says so was published."""
    cancelled: bool = False
    """User time that was cancelled too late: it stays user time, and there was no beam."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The calendar as known at some instant: all versions laid over each other."""

    planned: tuple[PlannedBlock, ...]
    """In order of time, not overlapping."""
    warnings: tuple[str, ...] = ()
    """What was ignored, and why."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks alone."""
        return tuple(p.block for p in self.planned)

    def category_at(self, ns: int) -> Category:
        """Return what is planned at an instant."""
        block = self.block_at(ns)
        return Category.UNSCHEDULED if block is None else block.category

    def block_at(self, ns: int) -> Block | None:
        """Return the block at an instant; None where nothing is planned."""
        return next((b for b in self.blocks if b.start_ns <= ns < b.end_ns), None)

    def intervals(self, *categories: Category) -> Intervals:
        """Return the time planned for any of `categories`, abutting blocks joined."""
        return Intervals.of((b.start_ns, b.end_ns) for b in self.blocks if b.category in categories)

    @property
    def user_time(self) -> Intervals:
        """User and reserve time together, abutting blocks joined: the denominator of availability."""
        return self.intervals(Category.USER, Category.RESERVE)

    @property
    def cancelled(self) -> Intervals:
        """User time that was cancelled too late."""
        return Intervals.of((p.block.start_ns, p.block.end_ns) for p in self.planned if p.cancelled)

    @property
    def runs(self) -> dict[str, tuple[int, int]]:
        """Each named run with its first start and last end."""
        runs: dict[str, tuple[int, int]] = {}
        for block in self.blocks:
            if block.run is not None:
                start, end = runs.get(block.run, (block.start_ns, block.end_ns))
                runs[block.run] = (min(start, block.start_ns), max(end, block.end_ns))
        return runs


def resolve(
    versions: Sequence[ScheduleVersion], as_known_on_ns: int | None = None, *, notice_ns: int | None = None
) -> Plan:
    """Lay the versions over each other, oldest publication first.

    User time that a version turns into anything else is no longer user time if it was published at least
    `notice_ns` before the turned part starts. Later than that it stays user time, marked as cancelled.

    Parameters
    ----------
    versions
        In any order; of equal publication times the later one in the sequence wins.
    as_known_on_ns
        Leave out what was published after this instant; None: all.
    notice_ns
        The definition's notice; None: any time may be cancelled at any time.
    """
    planned: list[PlannedBlock] = []
    warnings: list[str] = []
    for version in sorted(versions, key=lambda v: v.published_at_ns):
        if as_known_on_ns is not None and version.published_at_ns > as_known_on_ns:
            continue
        published = version.published_at_ns
        cut = max(version.start_ns, published)
        if cut > version.start_ns:
            warnings.append(
                f"the schedule version published {format_time(published)} speaks of time from "
                f"{format_time(version.start_ns)}: what lies before its publication is ignored"
            )
        if cut >= version.end_ns:
            continue
        late = _cancelled_late(planned, version, cut, notice_ns)
        kept = [piece for p in planned for piece in _outside(p, cut, version.end_ns)]
        for start, end in late:
            kept += [replace(piece, cancelled=True) for p in planned for piece in _inside(p, start, end)]
        for start, end in Intervals.of([(cut, version.end_ns)]) - late:
            kept += [piece for b in version.blocks for piece in _inside(PlannedBlock(b, published), start, end)]
        planned = sorted(kept, key=lambda p: p.block.start_ns)
    return Plan(tuple(planned), tuple(warnings))


def check_changes_something(versions: Iterable[ScheduleVersion]) -> None:
    """Refuse versions which lie wholly before their own publication.

    Raises
    ------
    ScheduleError
        If every one of them would change only the past.
    """
    listed = list(versions)
    if listed and all(v.end_ns <= v.published_at_ns for v in listed):
        first = listed[0]
        raise ScheduleError(
            f"every row would change only the past: the version published {format_time(first.published_at_ns)} "
            f"ends at {format_time(first.end_ns)}; for imported history state the time at which it was "
            "published then, in published_at"
        )


def _cancelled_late(
    planned: Sequence[PlannedBlock], version: ScheduleVersion, cut: int, notice_ns: int | None
) -> Intervals:
    """Return the user time that `version` turns into something else with less notice than that."""
    if notice_ns is None:
        return Intervals.empty()
    before = Intervals.of((p.block.start_ns, p.block.end_ns) for p in planned if p.block.category.is_user_time)
    after = Intervals.of((b.start_ns, b.end_ns) for b in version.blocks if b.category.is_user_time)
    turned = before.clip(cut, version.end_ns) - after
    return Intervals.of((a, b) for a, b in turned if a - version.published_at_ns < notice_ns)


def _outside(planned: PlannedBlock, start: int, end: int) -> list[PlannedBlock]:
    block = planned.block
    pieces = [(block.start_ns, min(block.end_ns, start)), (max(block.start_ns, end), block.end_ns)]
    return [replace(planned, block=replace(block, start_ns=a, end_ns=b)) for a, b in pieces if b > a]


def _inside(planned: PlannedBlock, start: int, end: int) -> list[PlannedBlock]:
    block = planned.block
    a, b = max(block.start_ns, start), min(block.end_ns, end)
    return [replace(planned, block=replace(block, start_ns=a, end_ns=b))] if b > a else []
