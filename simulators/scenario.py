"""Scenarios: what a simulated machine does and what goes wrong with it, as data.

A scenario is a TOML file under ``simulators/scenarios/``, or the user's own. It says nothing of limits: those
are the facility profile's.
"""

from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final, Self, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from facility.documents import build, read_toml
from facility.errors import ScenarioError
from facility.schedule import Category
from facility.sentence import Sentence
from facility.slug import Slug
from facility.text import Text

_STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, allow_inf_nan=False)

BEAM_MODES: Final = (Category.USER, Category.RESERVE, Category.STUDY, Category.TUNING, Category.COMMISSIONING)
"""Planned modes in which the ring is filled."""


class Effect(StrEnum):
    """What a fault does, to the beam or to what is seen of it."""

    BEAM_DUMP = "beam_dump"
    """The beam is gone at once, and comes back once the cause is repaired."""
    NO_INJECTION = "no_injection"
    """A ring is not refilled: the beam decays until the injector is back. A linac gives weaker pulses."""
    MONITOR_GLITCH = "monitor_glitch"
    """The monitor of the delivery signal reads zero, marked good, for a sample or two."""
    MONITOR_DROPOUT = "monitor_dropout"
    """It reads zero for longer, while its witness sees the beam; reads: ``zero`` marked good, or ``bad``."""
    MONITOR_FREEZE = "monitor_freeze"
    """It repeats its last value, marked good, whatever the beam does."""
    MONITOR_SPIKE = "monitor_spike"
    """It reads too much: ``impossible``, above the signal's ``physical_max``, or ``high``, half way to that."""
    WITNESS_FAULT = "witness_fault"
    """The witness, marked good, reads ``zero``, is ``stuck``, or reads a tenth too much (``off``)."""
    MODE_FORGOTTEN = "mode_forgotten"
    """The machine mode is not updated: it stays at its value from the begin of the fault."""
    LINK_OUTAGE = "link_outage"
    """No signal arrives at all, and what was not sent is lost."""
    BROKER_OUTAGE = "broker_outage"
    """No signal arrives, and what was not sent is kept: it comes once the broker is back, in order, stamps and all."""
    CLOCK_STEP = "clock_step"
    """The source's clock, which stamps every signal, is wrong by ``shift_s``."""
    DUPLICATES = "duplicates"
    """A third of all samples are sent twice, the second time up to 2 s later."""
    OUT_OF_ORDER = "out_of_order"
    """Half of all samples are sent up to 3 s late, so that later ones overtake them."""


READS: Final[dict[Effect, tuple[str, ...]]] = {
    Effect.MONITOR_DROPOUT: ("zero", "bad"),
    Effect.MONITOR_SPIKE: ("impossible", "high"),
    Effect.WITNESS_FAULT: ("zero", "stuck", "off"),
}
"""What an instrument may read in a fault; the first one is the default."""


MAX_LENGTH_S: Final = 30 * 86_400
"""No fault lasts longer."""
MAX_GLITCH_S: Final = 2.0
"""A monitor that reads zero for longer drops out."""


class Length(BaseModel):
    """How long faults of a kind last: log-normal, cut at `min` and `max`, in seconds; a bare number: always that."""

    model_config = _STRICT

    median: float = Field(gt=0)
    spread: float = Field(default=2.0, ge=1)
    """Two thirds of all lengths lie within this factor of the median; 1: all are the median."""
    min: float = Field(gt=0)
    max: float = Field(gt=0, le=MAX_LENGTH_S)

    @classmethod
    def fixed(cls, seconds: float) -> "Length":
        """Return the length of faults that all last the same."""
        return cls(median=seconds, spread=1, min=seconds, max=seconds)

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not 0 < value <= MAX_LENGTH_S:
                raise ValueError(
                    Sentence(
                        "{value:g} s is not a length above 0 s and up to 30 days ({max_length_s} s)",
                        value=value,
                        max_length_s=MAX_LENGTH_S,
                    )
                )
            return {"median": value, "spread": 1, "min": value, "max": value}
        if not isinstance(value, Mapping | Length):
            raise ValueError(
                Sentence("{value!r} is no length: write seconds, or {{ median, spread, min, max }}", value=value)
            )
        return cast("object", value)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.median <= self.max:
            raise ValueError(
                Sentence(
                    "min {min} <= median {median} <= max {max} does not hold",
                    min=self.min,
                    median=self.median,
                    max=self.max,
                )
            )
        return self


class FaultKind(BaseModel):
    """One ``[[fault]]`` table: a cause, what it does, how often and for how long."""

    model_config = _STRICT

    cause: Slug
    """Such as ``rf``, ``vacuum``, ``injector``."""
    effect: Effect = Field(strict=False)
    length_s: Length
    """Until the cause is repaired; filling the ring again comes on top."""
    per_month: float | None = Field(default=None, gt=0, le=10_000)
    """Mean number in 30 days, at any time, independent of each other (a Poisson process)."""
    each_month: int | None = Field(default=None, ge=1, le=1000)
    """Exact number in the user time of each calendar month that has any."""
    at: tuple[AwareDatetime | time, ...] | None = Field(default=None, min_length=1, strict=False)
    """At these instants; a local time without a date means every day."""
    reads: str | None = None
    """What the instrument reads in a ``monitor_dropout``, ``monitor_spike`` or ``witness_fault``; see `Effect`."""
    shift_s: float | None = Field(default=None, ge=-43_200, le=43_200)
    """Of a ``clock_step``: above zero the clock is ahead."""
    source: str = "assumed"
    """Where rate and lengths come from."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [n for n in ("per_month", "each_month", "at") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(
                Sentence(
                    "fault {key}: say how often by exactly one of per_month, each_month and at, not by {given}",
                    key=self.key,
                    given=", ".join(given) or Sentence("none"),
                )
            )
        if self.effect is Effect.MONITOR_GLITCH and self.length_s.max > MAX_GLITCH_S:
            raise ValueError(
                Sentence(
                    "fault {key}: a monitor_glitch lasts at most {max_glitch_s:g} s, not {max:g}; use monitor_dropout",
                    key=self.key,
                    max_glitch_s=MAX_GLITCH_S,
                    max=self.length_s.max,
                )
            )
        known = READS.get(self.effect, ())
        if self.reads is not None and self.reads not in known:
            if not known:
                raise ValueError(
                    Sentence(
                        "fault {key}: reads belongs to {effects} alone: remove it",
                        key=self.key,
                        effects=", ".join(READS),
                    )
                )
            raise ValueError(
                Sentence(
                    "fault {key}: reads = {reads!r} is not one of {known}",
                    key=self.key,
                    reads=self.reads,
                    known=", ".join(known),
                )
            )
        if (self.effect is Effect.CLOCK_STEP) != bool(self.shift_s):
            raise ValueError(
                Sentence("fault {key}: a clock_step, and nothing else, has a shift_s other than 0", key=self.key)
            )
        return self

    @property
    def reading(self) -> str:
        """What the instrument reads; empty where the effect leaves no choice."""
        return self.reads or READS.get(self.effect, ("",))[0]

    @property
    def key(self) -> str:
        """Cause and effect; names the kind, unique in a scenario but for those with ``at``."""
        return f"{self.cause}/{self.effect.value}"


class Repair(BaseModel):
    """One ``[[repair]]`` table: whatever has the effect then, ends."""

    model_config = _STRICT

    effect: Effect = Field(strict=False)
    at: tuple[AwareDatetime, ...] = Field(min_length=1, strict=False)


class Ring(BaseModel):
    """A storage ring. The defaults are assumed, typical of a 3 GeV light source; no facility published them."""

    model_config = _STRICT

    reference_ma: float = Field(default=400.0, gt=0)
    """The current at which `touschek_lifetime_h` and `beam_gas_lifetime_h` hold; both fall as 1/current."""
    touschek_lifetime_h: float = Field(default=10.0, gt=0)
    """Electrons that scatter off each other within a bunch."""
    beam_gas_lifetime_h: float = Field(default=40.0, gt=0)
    """Scattering off gas that the beam itself desorbs from the walls."""
    base_gas_lifetime_h: float = Field(default=100.0, gt=0)
    """Scattering off the gas that is there without beam; the same at every current."""
    injection_ma_per_s: float = Field(default=0.4, gt=0)
    """Net rise while injecting, at full efficiency."""
    efficiency_min: float = Field(default=0.85, gt=0, le=1)
    """Each refill's efficiency lies between this and 1."""
    shot_ma: float = Field(default=0.2, ge=0)
    """A refill ends up to this far above the target."""
    band_pct: float = Field(default=0.5, gt=0, lt=50)
    """Height of the top-up band below the target."""
    fill_steps: tuple[float, ...] = Field(default=(0.25, 0.5, 0.75), strict=False)
    """Parts of the target at which a fill from zero pauses."""
    fill_hold_s: float = Field(default=120.0, ge=0)
    """Length of such a pause."""
    noise_ma: float = Field(default=0.003, ge=0)
    """Standard deviation of the current monitor's noise; the second monitor has five times as much."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if list(self.fill_steps) != sorted(set(self.fill_steps)) or any(not 0 < s < 1 for s in self.fill_steps):
            raise ValueError(
                Sentence("fill_steps {fill_steps} must rise, between 0 and 1", fill_steps=list(self.fill_steps))
            )
        return self


class Linac(BaseModel):
    """A free-electron laser. The defaults are assumed."""

    model_config = _STRICT

    repetition_hz: float = Field(default=60.0, gt=0)
    jitter_pct: float = Field(default=10.0, ge=0, lt=100)
    """Standard deviation of the energy from pulse to pulse."""
    drift_pct: float = Field(default=1.5, ge=0, lt=20)
    """Standard deviation of the mean energy from hour to hour."""
    ramp_s: float = Field(default=20.0, ge=0)
    """From the first pulse after a stop to full energy."""
    restart_pct: float = Field(default=50.0, ge=0, le=100)
    """Energy of that first pulse, of full energy."""
    reduced_pct: float = Field(default=60.0, gt=0, le=100)
    """Energy while a ``no_injection`` fault lasts, of full energy."""


class Spallation(BaseModel):
    """A pulsed proton source whose synchrotron also feeds a main ring. The defaults are assumed but for 25 Hz."""

    model_config = _STRICT

    repetition_hz: int = Field(default=25, gt=0)
    main_ring_every: int = Field(default=62, gt=1)
    """The main ring is filled once in so many pulses: 2.48 s at 25 Hz."""
    main_ring_pulses: int = Field(default=4, ge=0)
    """It takes so many pulses of them, which the target does not get."""
    ramp_s: float = Field(default=300.0, ge=0)
    """From the first pulse after a stop to full power, to spare the target."""
    restart_pct: float = Field(default=30.0, ge=0, le=100)
    """Power of that first pulse, of full power."""
    reduced_pct: float = Field(default=60.0, gt=0, le=100)
    """Power while a ``no_injection`` fault lasts, of full power."""
    noise_pct: float = Field(default=0.1, ge=0)
    """Standard deviation of what the power monitor reads."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.main_ring_pulses >= self.main_ring_every:
            raise ValueError(
                Sentence(
                    "the main ring takes {main_ring_pulses} of {main_ring_every} pulses: leave the target some",
                    main_ring_pulses=self.main_ring_pulses,
                    main_ring_every=self.main_ring_every,
                )
            )
        return self


class TargetStep(BaseModel):
    """One ``[[target]]`` table: the delivery signal's value that is aimed at from a date on."""

    model_config = _STRICT

    since: AwareDatetime | date = Field(alias="from")
    """A date means midnight in the facility's zone."""
    mode: Category = Field(default=Category.USER, strict=False)
    """A mode without targets of its own takes those of ``user``."""
    current_ma: float = Field(gt=0)
    """In the delivery signal's unit, which is mA for a ring."""

    @model_validator(mode="after")
    def _has_beam(self) -> Self:
        if self.mode not in BEAM_MODES:
            raise ValueError(
                Sentence(
                    "a target needs a mode with beam, one of {beam_modes}", beam_modes=[m.value for m in BEAM_MODES]
                )
            )
        return self


class Span(BaseModel):
    """The stretch of time that a scenario is about."""

    model_config = _STRICT

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError(
                Sentence(
                    "to {end} does not come after from {start}", end=self.end.isoformat(), start=self.start.isoformat()
                )
            )
        return self


class Shutdown(BaseModel):
    """A planned shutdown of some length: every week whose Monday lies inside belongs to it."""

    model_config = _STRICT

    start: date = Field(alias="from")
    end: date = Field(alias="to")
    """The day after the last."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError(
                Sentence("the shutdown from {start} ends on {end}, not after its start", start=self.start, end=self.end)
            )
        return self


class CalendarRules(BaseModel):
    """How the operation calendar is drawn up."""

    model_config = _STRICT

    long_shutdowns: bool = True
    """Summer, New Year and the end of the fiscal year; without them every week is a week of user operation."""
    shutdowns: tuple[Shutdown, ...] = Field(default=(), strict=False)
    """Further ones."""


class Scenario(BaseModel):
    """What a simulated machine does, and what goes wrong with it."""

    model_config = _STRICT

    id: Slug
    title: Text
    period: Span | None = None
    """What to simulate by default; None: up to now."""
    calendar: CalendarRules = CalendarRules()
    ring: Ring = Ring()
    linac: Linac = Linac()
    spallation: Spallation = Spallation()
    targets: tuple[TargetStep, ...] = Field(default=(), alias="target", strict=False)
    """None: for a ring the profile's limits, from their dates on, else the profile's target."""
    faults: tuple[FaultKind, ...] = Field(default=(), alias="fault", strict=False)
    repairs: tuple[Repair, ...] = Field(default=(), alias="repair", strict=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Chance goes by the key; what happens at stated instants needs none.
        keys = [f.key for f in self.faults if f.at is None]
        if twice := sorted({k for k in keys if keys.count(k) > 1}):
            raise ValueError(
                Sentence("fault {twice} is described twice: give one of them another cause", twice=twice[0])
            )
        return self


def shipped_scenarios() -> tuple[str, ...]:
    """Return the ids of the scenarios that come with kado."""
    files = (resources.files("simulators") / "scenarios").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def load_scenario(name: str) -> Scenario:
    """Load a scenario by the id of a shipped one, or from a file.

    Parameters
    ----------
    name
        Such as ``quiet_week``, or the path of a TOML file (anything that ends in ``.toml``).

    Raises
    ------
    ScenarioError
        If there is no scenario of that name, or it is impossible.
    """
    if name.endswith(".toml"):
        return build(Scenario, read_toml(Path(name), ScenarioError), name, ScenarioError)
    if name not in shipped_scenarios():
        known = ", ".join(shipped_scenarios())
        raise ScenarioError(
            Sentence(
                "no scenario {name!r}: use one of {known}, or the path of your own .toml file", name=name, known=known
            )
        )
    with resources.as_file(resources.files("simulators") / "scenarios" / f"{name}.toml") as path:
        return build(Scenario, read_toml(path, ScenarioError), f"scenario {name}", ScenarioError)
