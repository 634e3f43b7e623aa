"""What goes into the engine and what comes out of it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from facility.alarms import Action, AlarmRules, Refusal, Transition
from facility.batch import Batch
from facility.errors import DataError
from facility.schedule import Plan
from facility.sentence import Sentence


@dataclass(frozen=True, slots=True)
class FactSample:
    """One value of a fact or figure of kado itself."""

    series: str
    """``fact:<name>`` or ``figure:<name>:<period>``."""
    time_ns: int
    """The slot that it was published for."""
    value: float | str | None
    """A number, a word, or None where there is none: that makes the series unknown at once."""
    coverage_pct: float | None = None
    """For a figure: the coverage of its period; None: not stated, no rule asks for it."""
    user_time_h: float | None = None
    """For a figure: the user time of its period; None: not stated."""


@dataclass(frozen=True, slots=True)
class LimitPieces:
    """The limits that rules may name, over time: each piece holds from its start to the next."""

    starts: tuple[int, ...] = ()
    """ns, strictly increasing; before the first there are no limits."""
    values: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict[str, tuple[float | None, ...]])
    """For each limit its value in each piece; None where it has none."""

    def __post_init__(self) -> None:
        if any(later <= earlier for earlier, later in zip(self.starts, self.starts[1:], strict=False)):
            raise DataError(Sentence("the starts of limits are not strictly increasing: sort them, each once"))
        for name, values in self.values.items():
            if len(values) != len(self.starts):
                raise DataError(
                    Sentence(
                        "limit {name!r} has {count} values for {pieces} pieces",
                        name=name,
                        count=len(values),
                        pieces=len(self.starts),
                    )
                )

    def at(self, name: str, ns: int) -> float | None:
        """Return the value of a limit at an instant; None where it has none."""
        piece = bisect_right(self.starts, ns) - 1
        values = self.values.get(name)
        return None if piece < 0 or values is None else values[piece]

    def changes(self, start_ns: int, end_ns: int) -> tuple[int, ...]:
        """Return the starts of pieces inside ``(start_ns, end_ns)``."""
        return self.starts[bisect_right(self.starts, start_ns) : bisect_right(self.starts, end_ns - 1)]


NO_LIMITS = LimitPieces()
NO_PLAN = Plan(())


@dataclass(frozen=True, slots=True)
class Feed:
    """What came in since the last call, in order of arrival."""

    batches: Sequence[Batch] = ()
    """Signals, and the links of sources."""
    facts: Sequence[FactSample] = ()
    plan: Plan = NO_PLAN
    """The plan as it is known now; it holds from the engine's position on."""
    limits: LimitPieces = NO_LIMITS
    """The limits as they are known now."""
    actions: Sequence[Action] = ()
    """In the order of their record."""
    rules: AlarmRules | None = None
    """Rules that take the place of those in force, at the engine's position."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call decided."""

    transitions: tuple[Transition, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    late: int = 0
    """Samples stamped before the position."""
    ignored: int = 0
    """Of those, samples older than the newest of their series."""
    clock_back: int = 0
    """1 where `until` lay before the position and nothing was decided."""
