"""The operation calendar: what was planned, and when it was published.

Every version of the calendar is kept. A version replaces what earlier ones said between its first start and
its last end, and nothing outside; it changes nothing before its own publication time. A block of category
`Category.UNSCHEDULED` withdraws what was planned there, at the ends of a version too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from facility.errors import ScheduleError
from facility.interval import Intervals
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, format_time
from facility.written_text import check_line, check_text


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
"""What time can be planned for; all other time is `Category.UNSCHEDULED`."""

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

    def check_texts(self) -> None:
        """Hold note, tags and run to the rule for all that people write: see `facility.written_text`.

        Not asked of blocks that are on record already, which may be older than the rule.

        Raises
        ------
        ScheduleError
            If one is too long, or holds characters that are no text.
        """
        check_text(Sentence("the note"), self.note, ScheduleError)
        for tag in self.tags:
            check_line(Sentence("a tag"), tag, ScheduleError)
        check_line(Sentence("the run's name"), self.run or "", ScheduleError)


@dataclass(frozen=True, slots=True)
class ScheduleVersion:
    """Blocks that were published together; use `ScheduleVersion.of`."""

    published_at_ns: int
    blocks: tuple[Block, ...]
    """In order of time, not overlapping. Those that say ``unscheduled`` withdraw what was planned there."""
    recorded_at_ns: int | None = field(default=None, compare=False)
    """When it was written into the journal; None: not recorded yet."""

    @classmethod
    def of(cls, published_at_ns: int, blocks: Iterable[Block]) -> "ScheduleVersion":
        """Check and order the blocks of a version.

        Raises
        ------
        ScheduleError
            If there is no block, one does not end after its start, or two overlap.
        """
        ordered = tuple(sorted(blocks, key=lambda b: (b.start_ns, b.end_ns)))
        if not ordered:
            raise ScheduleError(Sentence("a schedule version needs at least one block"))
        for block in ordered:
            if block.end_ns <= block.start_ns:
                raise ScheduleError(Sentence("block {block} does not end after its start", block=block.describe()))
        for earlier, later in pairwise(ordered):
            if later.start_ns < earlier.end_ns:
                raise ScheduleError(
                    Sentence(
                        "blocks overlap in the version published {published_at_ns}: {earlier} and {later}; "
                        "move or cut one of them",
                        published_at_ns=format_time(published_at_ns),
                        earlier=earlier.describe(),
                        later=later.describe(),
                    )
                )
        return cls(published_at_ns, ordered)

    @property
    def start_ns(self) -> int:
        """First instant that the version covers."""
        return self.blocks[0].start_ns

    @property
    def end_ns(self) -> int:
        """End of the last block."""
        return self.blocks[-1].end_ns

    @property
    def known_from_ns(self) -> int:
        """When it became known here: its record; without one its publication."""
        return self.published_at_ns if self.recorded_at_ns is None else self.recorded_at_ns

    @property
    def is_dated_back(self) -> bool:
        """Whether it was recorded more than a day after its stated publication, and after time that it changes."""
        late = self.known_from_ns - self.published_at_ns > NS_PER_DAY
        return late and self.known_from_ns > max(self.start_ns, self.published_at_ns) and self.changes_something

    @property
    def changes_something(self) -> bool:
        """Whether any of its time lies after its publication."""
        return self.end_ns > self.published_at_ns


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
    """The calendar as known at an instant: a later version replaces an earlier one where they overlap."""

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
    versions: Sequence[ScheduleVersion],
    as_known_on_ns: int | None = None,
    *,
    as_published_on_ns: int | None = None,
    notice_ns: int | None = None,
) -> Plan:
    """Lay the versions over each other, oldest publication first.

    An instant of user time that a version turns into anything else is no longer user time if the version was
    published at least `notice_ns` before that instant. Otherwise it stays user time, marked as cancelled.

    Parameters
    ----------
    versions
        In any order; of equal publication times the later one in the sequence wins.
    as_known_on_ns
        Leave out what was recorded after this instant; None: all. A version that was not recorded in a journal
        counts as recorded when it was published.
    as_published_on_ns
        Leave out what states a publication after this instant, for history that was imported later; None: all.
    notice_ns
        The definition's notice; None: any time may be cancelled at any time.
    """
    planned: list[PlannedBlock] = []
    warnings: list[str] = []
    for version in sorted(versions, key=lambda v: v.published_at_ns):
        if as_known_on_ns is not None and version.known_from_ns > as_known_on_ns:
            continue
        if as_published_on_ns is not None and version.published_at_ns > as_published_on_ns:
            continue
        published = version.published_at_ns
        cut = max(version.start_ns, published)
        if cut > version.start_ns:
            warnings.append(
                f"the schedule version published {format_time(published)} has rows from "
                f"{format_time(version.start_ns)} on: what lies before its publication is ignored"
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
    planned = [p for p in planned if p.block.category is not Category.UNSCHEDULED]
    return Plan(tuple(planned), tuple(warnings))


def dated_back(versions: Iterable[ScheduleVersion]) -> tuple[ScheduleVersion, ...]:
    """Return the versions which were recorded late and change time before their record.

    They are in force. Figures that they change name them, and stand beside the figures without them.
    """
    return tuple(version for version in versions if version.is_dated_back)


def check_changes_something(versions: Iterable[ScheduleVersion]) -> None:
    """Refuse versions which lie wholly before their own publication.

    Raises
    ------
    ScheduleError
        If every one of them would change only the past.
    """
    listed = list(versions)
    if listed and not any(v.changes_something for v in listed):
        first = listed[0]
        raise ScheduleError(
            Sentence(
                "every row would change only the past: the version published {published_at_ns} ends "
                "at {end_ns}; for imported history state the time at which it was published then, in "
                "published_at",
                published_at_ns=format_time(first.published_at_ns),
                end_ns=format_time(first.end_ns),
            )
        )


def _cancelled_late(
    planned: Sequence[PlannedBlock], version: ScheduleVersion, cut: int, notice_ns: int | None
) -> Intervals:
    """Return the user time that `version` turns into something else less than `notice_ns` before it."""
    if notice_ns is None:
        return Intervals.empty()
    before = Intervals.of((p.block.start_ns, p.block.end_ns) for p in planned if p.block.category.is_user_time)
    after = Intervals.of((b.start_ns, b.end_ns) for b in version.blocks if b.category.is_user_time)
    turned = before.clip(cut, version.end_ns) - after
    return turned.clip(cut, version.published_at_ns + notice_ns)


def _outside(planned: PlannedBlock, start: int, end: int) -> list[PlannedBlock]:
    block = planned.block
    pieces = [(block.start_ns, min(block.end_ns, start)), (max(block.start_ns, end), block.end_ns)]
    return [replace(planned, block=replace(block, start_ns=a, end_ns=b)) for a, b in pieces if b > a]


def _inside(planned: PlannedBlock, start: int, end: int) -> list[PlannedBlock]:
    block = planned.block
    a, b = max(block.start_ns, start), min(block.end_ns, end)
    return [replace(planned, block=replace(block, start_ns=a, end_ns=b))] if b > a else []
