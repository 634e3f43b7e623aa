"""Limits of the delivery signal, by operating mode and from a date on."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from facility.errors import ProfileError
from facility.schedule import Category
from facility.sentence import Sentence
from facility.time import format_time, from_datetime, local_midnight, to_ns


@dataclass(frozen=True, slots=True)
class Limits:
    """Four limits in the delivery signal's unit, ``nominal >= recovered >= tolerance >= minimum``."""

    nominal: float
    """At or above: fully restored; the lower edge of the top-up band."""
    recovered: float
    """At or above: restored as far as kado's own definition asks."""
    tolerance: float
    """Below: low-beam."""
    minimum: float
    """Below: no-beam."""

    def at_most(self, limit: float) -> "Limits":
        """Return the limits with none of them above `limit`."""
        return Limits(*(min(x, limit) for x in (self.nominal, self.recovered, self.tolerance, self.minimum)))


class LimitStep(BaseModel):
    """One ``[[limits]]`` table of a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    since: AwareDatetime | date = Field(alias="from")
    """A date means midnight in the facility's zone."""
    mode: Category = Field(default=Category.USER, strict=False)
    nominal: float = Field(allow_inf_nan=False)
    recovered: float | None = Field(default=None, allow_inf_nan=False)
    tolerance: float = Field(allow_inf_nan=False)
    minimum: float = Field(gt=0, allow_inf_nan=False)
    grace_h: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """For so long after `since` the limits before it still hold."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        limits = self.limits
        if not limits.nominal >= limits.recovered >= limits.tolerance >= limits.minimum:
            raise ValueError(
                Sentence(
                    "limits from {since} for {mode}: nominal {nominal} >= recovered {recovered} >= "
                    "tolerance {tolerance} >= minimum {minimum} must hold",
                    since=self.since,
                    mode=self.mode.value,
                    nominal=limits.nominal,
                    recovered=limits.recovered,
                    tolerance=limits.tolerance,
                    minimum=limits.minimum,
                )
            )
        return self

    def since_ns(self, zone: tzinfo) -> int:
        """Return the instant from which the limits hold; a date means midnight in `zone`."""
        since = self.since
        return from_datetime(since) if isinstance(since, datetime) else local_midnight(since, zone)

    @property
    def limits(self) -> Limits:
        """The four numbers, `recovered` filled in."""
        recovered = self.tolerance if self.recovered is None else self.recovered
        return Limits(self.nominal, recovered, self.tolerance, self.minimum)


@dataclass(frozen=True, slots=True)
class LimitTable:
    """The limits of a facility over time.

    Built by `LimitTable.of`; a step takes effect when its grace time is over, the first one of a mode at once.
    """

    by_mode: dict[Category, tuple[tuple[int, Limits], ...]]
    """For each mode (effective instant in ns, limits), in order of time."""

    @classmethod
    def of(cls, steps: tuple[LimitStep, ...], zone: tzinfo) -> Self:
        """Arrange the steps of a profile.

        Raises
        ------
        ProfileError
            If two steps of a mode take effect at the same instant, or the grace of one outlasts the next.
        """
        by_mode: dict[Category, list[tuple[int, Limits]]] = {}
        for step in sorted(steps, key=lambda s: s.since_ns(zone)):
            rows = by_mode.setdefault(step.mode, [])
            since = step.since_ns(zone)
            effective = since if not rows else since + to_ns(step.grace_h * 3600)
            if rows and effective <= rows[-1][0]:
                raise ProfileError(
                    Sentence(
                        "limits for mode {mode} from {since} take effect at {effective}, not after those "
                        "before them: change 'from' or 'grace_h'",
                        mode=step.mode.value,
                        since=step.since,
                        effective=format_time(effective, zone),
                    )
                )
            rows.append((effective, step.limits))
        return cls({mode: tuple(rows) for mode, rows in by_mode.items()})

    def at(self, mode: Category, ns: int) -> Limits | None:
        """Return the limits of `mode` at an instant, those of ``user`` where the mode has none of its own.

        None before the first step.
        """
        for candidate in (mode, Category.USER):
            in_force = [limits for since, limits in self.by_mode.get(candidate, ()) if since <= ns]
            if in_force:
                return in_force[-1]
        return None

    def changes(self, start_ns: int, end_ns: int) -> list[int]:
        """Return the instants inside ``(start_ns, end_ns)`` at which the limits of some mode change."""
        return sorted({t for rows in self.by_mode.values() for t, _ in rows if start_ns < t < end_ns})
