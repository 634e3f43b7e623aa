"""The answers: what a simulated machine truly did in a period, and what an honest observer must find.

The truth (`faults`, `beam`) comes from the model alone. What is to be found (`outages` and so on) is what the
instruments let through of it, by the reference reading of the rules in `simulators.observer`, from the
period's own samples.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from facility.errors import FormatVersionError, UsageError
from facility.schedule import Category
from facility.sentence import Sentence
from facility.time import NS_PER_S, format_time, parse_time
from simulators.scenario import Effect

FORMAT: Final = 1
_MODEL: Final = ConfigDict(frozen=True, extra="forbid")


def _instant(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


Instant = Annotated[int, BeforeValidator(_instant), PlainSerializer(format_time, return_type=str, when_used="json")]
"""UTC ns; in JSON an ISO 8601 time."""


class KeyPeriod(BaseModel):
    """The period that the answers are for."""

    model_config = _MODEL

    start: Instant
    end: Instant


class PlannedTime(BaseModel):
    """A block of the calendar, cut to the period."""

    model_config = _MODEL

    start: Instant
    end: Instant
    category: Category
    run: str | None = None


class BeamChange(BaseModel):
    """The true state of the beam from an instant on, to the sample, in and out of user time."""

    model_config = _MODEL

    time: Instant
    state: Literal["up", "low", "down"]
    cause: str
    """Of a loss: a fault's cause, or ``planned``; ``restored`` where it is up again."""


class KeyFault(BaseModel):
    """A fault that touches the period, uncut."""

    model_config = _MODEL

    start: Instant
    end: Instant
    """When its cause was repaired."""
    cause: str
    effect: Effect
    reads: str = ""
    """What the instrument reads meanwhile; empty where the effect leaves no choice."""
    shift_s: float = 0.0
    """How far the source's clock is ahead meanwhile."""


class KeyEvent(BaseModel):
    """A no-beam or low-beam that costs user time in the period."""

    model_config = _MODEL

    start: Instant
    """Stamp of the first sample below the limit, in or out of user time."""
    end: Instant
    """Stamp of the sample that ended it."""
    user_time_s: float
    """User time that it cost."""
    cause: str


class KeySpan(BaseModel):
    """A glitch, a sensor fault, or unknown user time, in the period."""

    model_config = _MODEL

    start: Instant
    end: Instant
    cause: str


class KeyHidden(BaseModel):
    """User time in the period in which the instruments show the opposite of the truth."""

    model_config = _MODEL

    start: Instant
    end: Instant
    truth: Literal["beam", "no_beam"]
    cause: str


class KeyMismatch(BaseModel):
    """Planned time in the period in which the machine said another mode."""

    model_config = _MODEL

    start: Instant
    end: Instant
    planned: Category
    said: str


class KeyRaise(BaseModel):
    """An alarm that a fault raises."""

    model_config = _MODEL

    alarm: str
    time: Instant
    cause: str


class KeyAlarms(BaseModel):
    """What the alarm rules that come with the facility must raise, of those that the truth decides."""

    model_config = _MODEL

    rules: str
    """Fingerprint of the rules."""
    watched: tuple[str, ...]
    """Ids of the rules that are spoken of."""
    raised: tuple[KeyRaise, ...]
    """In order of time."""


class KeyAccounts(BaseModel):
    """Expected accounts in seconds; ``user_time = delivered + no_beam + unknown``."""

    model_config = _MODEL

    user_time: float
    delivered: float
    no_beam: float
    unknown: float
    low_beam: float
    """Part of what was delivered."""


class KeyCounts(BaseModel):
    """Expected counts."""

    model_config = _MODEL

    failures: int
    low_beam: int
    glitches: int
    sensor_faults: int = 0
    """Outages of the delivery signal that its witness contradicts."""
    mode_mismatches: int | None = None
    """None where the machine says no mode."""


class AnswerKey(BaseModel):
    """What truly happened in a period."""

    model_config = _MODEL

    format: Literal[1] = FORMAT
    simulated: Literal[True] = True
    facility: str
    scenario: str
    seed: int
    definition: str
    """The rules that outages, low-beams, glitches and accounts follow."""
    period: KeyPeriod
    planned: tuple[PlannedTime, ...]
    faults: tuple[KeyFault, ...]
    beam: tuple[BeamChange, ...]
    outages: tuple[KeyEvent, ...]
    low_beam: tuple[KeyEvent, ...]
    glitches: tuple[KeySpan, ...]
    unknown: tuple[KeySpan, ...]
    sensor_faults: tuple[KeySpan, ...] = ()
    mode_mismatches: tuple[KeyMismatch, ...] = ()
    hidden: tuple[KeyHidden, ...] = ()
    energy_mwh: float | None = None
    """Truly delivered in user time, where power is delivered (kW)."""
    alarms: KeyAlarms | None = None
    """None where no rules come with the facility."""
    accounts_s: KeyAccounts
    counts: KeyCounts = Field(description="Failures by the definition's merge rule.")

    def accounts_ns(self) -> dict[str, int]:
        """Return the accounts in nanoseconds, exactly."""
        return {name: round(seconds * NS_PER_S) for name, seconds in self.accounts_s.model_dump().items()}

    def write(self, path: Path) -> None:
        """Write the answers as JSON."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "AnswerKey":
        """Read the answers that `write` wrote.

        Raises
        ------
        FormatVersionError
            If another version of kado wrote them.
        UsageError
            If the file cannot be read or is no answer key.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(Sentence("answer key {path} cannot be read: {error}", path=path, error=error)) from error
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["loc"] == ("format",):
                raise FormatVersionError(
                    Sentence(
                        "answer key {path} has format {first!r}, this kado reads {format}: simulate again",
                        path=path,
                        first=first["input"],
                        format=FORMAT,
                    )
                ) from error
            place = ".".join(str(part) for part in first["loc"])
            raise UsageError(
                Sentence("{path} is not an answer key: {place}: {first}", path=path, place=place, first=first["msg"])
            ) from error
