"""When a rule is true: conditions on signals, facts and figures, and how they join."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from facility.alarms.facts import FIGURE_PERIODS, fact_series, figure_series
from facility.nearest import nearest
from facility.sentence import Sentence
from facility.shared_keys import SharedKeys
from facility.slug import Slug
from facility.time import to_ns

NAMED_LIMITS: Final = ("nominal", "recovered", "tolerance", "minimum", "target_availability_pct")
"""Limits of the facility that a rule may name instead of a number."""


def _check_limit(value: object) -> object:
    if isinstance(value, str) and value not in NAMED_LIMITS:
        raise ValueError(
            Sentence(
                "{value!r} is neither a number nor a limit of the facility; {nearest}",
                value=value,
                nearest=nearest(value, NAMED_LIMITS),
            )
        )
    return value


LimitValue = Annotated[
    Annotated[float, Field(allow_inf_nan=False)]
    | Literal["nominal", "recovered", "tolerance", "minimum", "target_availability_pct"],
    BeforeValidator(_check_limit),
]
"""A number in the unit of what is read, or a word of the facility."""


def _check_period(value: object) -> object:
    if isinstance(value, str) and value not in FIGURE_PERIODS:
        raise ValueError(
            Sentence(
                "{value!r} is not a running period; {nearest}", value=value, nearest=nearest(value, FIGURE_PERIODS)
            )
        )
    return value


class Reading(SharedKeys):
    """What a condition looks at: a signal, a fact, or a figure of a running period."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    signal: Slug | None = None
    """A signal of the profile, or the link of a source: ``<source>_link``."""
    fact: Slug | None = None
    figure: Slug | None = None
    period: Annotated[
        Literal["day", "month", "quarter", "year", "fiscal_year", "run"] | None, BeforeValidator(_check_period)
    ] = None
    """With `figure`: the running period."""
    min_user_time_h: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """With `figure`: with less user time in the period the figure is unknown."""
    min_coverage_pct: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    """With `figure`: with less coverage in the period the figure is unknown."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("signal", "fact", "figure") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                Sentence(
                    "a condition reads one of signal, fact, figure; this one names {given}",
                    given=", ".join(given) or Sentence("none"),
                )
            )
        if self.figure is not None and self.period is None:
            raise ValueError(
                Sentence(
                    "figure {figure!r} needs a period: one of {figure_periods}",
                    figure=self.figure,
                    figure_periods=", ".join(FIGURE_PERIODS),
                )
            )
        only = ("period", "min_user_time_h", "min_coverage_pct")
        if self.figure is None and (extra := [name for name in only if getattr(self, name) is not None]):
            raise ValueError(Sentence("{extra} belongs to a figure only", extra=extra[0]))
        return self

    @property
    def series(self) -> str:
        """The name of the series that is read."""
        if self.signal is not None:
            return self.signal
        if self.fact is not None:
            return fact_series(self.fact)
        return figure_series(self.figure or "", self.period or "")


class _Limited(Reading):
    above: LimitValue | None = None
    """True strictly above this."""
    below: LimitValue | None = None
    """True strictly below this."""
    ends_below: LimitValue | None = None
    """False at or below this; None: `above`."""
    ends_above: LimitValue | None = None
    """False at or above this; None: `below`."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        above, below, ends_below, ends_above = self.above, self.below, self.ends_below, self.ends_above
        if above is None and below is None:
            raise ValueError(Sentence("give above or below"))
        if above is None and ends_below is not None:
            raise ValueError(Sentence("ends_below needs an above that it is the end of"))
        if below is None and ends_above is not None:
            raise ValueError(Sentence("ends_above needs a below that it is the end of"))
        if isinstance(above, float) and isinstance(ends_below, float) and ends_below > above:
            raise ValueError(
                Sentence(
                    "ends_below {ends_below:g} must not exceed above {above:g}", ends_below=ends_below, above=above
                )
            )
        if isinstance(below, float) and isinstance(ends_above, float) and ends_above < below:
            raise ValueError(
                Sentence(
                    "ends_above {ends_above:g} must not be less than below {below:g}",
                    ends_above=ends_above,
                    below=below,
                )
            )
        high = above if ends_below is None else ends_below
        low = below if ends_above is None else ends_above
        if isinstance(high, float) and isinstance(low, float) and low > high:
            raise ValueError(
                Sentence("it would never end: no value is at least {low:g} and at most {high:g}", low=low, high=high)
            )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The limits of the facility that it names."""
        given = (self.above, self.below, self.ends_below, self.ends_above)
        return tuple(dict.fromkeys(x for x in given if isinstance(x, str)))

    @property
    def deadband(self) -> bool:
        """Whether another limit ends it than the one that starts it."""
        return self.ends_below not in (None, self.above) or self.ends_above not in (None, self.below)


class LimitCondition(_Limited):
    """The held value is beyond a limit."""

    kind: Literal["limit"]


class RateCondition(_Limited):
    """The change per second over a window is beyond a limit."""

    kind: Literal["rate"]
    window_s: float = Field(gt=0, allow_inf_nan=False)

    @property
    def window_ns(self) -> int:
        """`window_s` in ns."""
        return to_ns(self.window_s)


class StateCondition(Reading):
    """The held word is one of several."""

    kind: Literal["state"]
    words: tuple[str, ...] = Field(strict=False, min_length=1)


class StaleCondition(Reading):
    """No good sample for some time."""

    kind: Literal["stale"]
    after_s: float = Field(gt=0, allow_inf_nan=False)

    @property
    def after_ns(self) -> int:
        """`after_s` in ns."""
        return to_ns(self.after_s)


class NoDataCondition(Reading):
    """No sample of any quality for some time."""

    kind: Literal["no_data"]
    after_s: float = Field(gt=0, allow_inf_nan=False)

    @property
    def after_ns(self) -> int:
        """`after_s` in ns."""
        return to_ns(self.after_s)


class AllCondition(BaseModel):
    """True if all are true."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["all"]
    of: "tuple[Condition, ...]" = Field(strict=False, min_length=1)


class AnyCondition(BaseModel):
    """True if one is true."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["any"]
    of: "tuple[Condition, ...]" = Field(strict=False, min_length=1)


class NotCondition(BaseModel):
    """True if the other is false."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["not"]
    of: "Condition"


Leaf = LimitCondition | RateCondition | StateCondition | StaleCondition | NoDataCondition

Condition = Annotated[
    LimitCondition
    | RateCondition
    | StateCondition
    | StaleCondition
    | NoDataCondition
    | AllCondition
    | AnyCondition
    | NotCondition,
    Field(discriminator="kind"),
]
"""A condition of any kind."""

AllCondition.model_rebuild()
AnyCondition.model_rebuild()
NotCondition.model_rebuild()


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the conditions that read something, in the order of the file."""
    if isinstance(condition, AllCondition | AnyCondition):
        for part in condition.of:
            yield from leaves(part)
    elif isinstance(condition, NotCondition):
        yield from leaves(condition.of)
    else:
        yield condition
