"""Everything that the engine keeps, as one value."""

from dataclasses import dataclass, field

from analytics.alarms.holdings import Holdings, Sample
from analytics.alarms.phases import Record
from analytics.alarms.program import Program, compiled
from facility.alarms import Action, AlarmRules
from facility.schedule import Category


@dataclass(frozen=True, slots=True)
class Engine:
    """Rules, position, and everything that is kept for each series and alarm. None of it is changed in place."""

    rules: AlarmRules
    position_ns: int
    start_ns: int
    """When the engine began or last resumed: `stale` and `no_data` count from there."""
    holdings: Holdings
    memory: list[bool]
    """For each leaf with limits its last known verdict."""
    verdicts: list[bool | None]
    """For each leaf its verdict."""
    records: list[Record]
    """In rank order."""
    alarm_due: list[int]
    """For each alarm the next instant at which something of it ends by itself."""
    fresh: bool = True
    """Whether everything is to be evaluated again at the next instant."""
    category: Category | None = None
    """What was planned at the last instant."""
    limits: dict[str, float | None] = field(default_factory=dict[str, float | None])
    """The limits that rules name, at the last instant."""
    mode: str | None = None
    """The machine's mode at the last instant; None: unknown."""
    waiting: tuple[Sample, ...] = ()
    """Samples stamped at or after the position, and late ones that are not taken yet; in order of arrival."""
    actions: tuple[Action, ...] = ()
    """Recorded at or after the position, or not taken yet."""
    reload: AlarmRules | None = None
    """Rules that take effect at the position."""
    retired: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """For alarms that went with their rule: occurrence and number of journaled rows, which go on if it comes back."""

    @property
    def program(self) -> Program:
        """The rules made ready."""
        return compiled(self.rules)

    def record(self, alarm: str) -> Record:
        """Return what is kept for one alarm."""
        return self.records[self.program.index[alarm]]
