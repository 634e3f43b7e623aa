"""What alarm rules may read: the series of a facility, and how long their samples hold."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from facility.alarms.facts import (
    FACT_PERIOD_S,
    FACTS,
    FIGURE_PERIOD_S,
    FIGURE_PERIODS,
    FIGURES,
    PERIODS_HELD,
    fact_series,
    figure_series,
)
from facility.profile import Profile
from facility.signals import LINK_HOLD_NS, LINK_WORDS, Signal, link_signal
from facility.time import to_ns

SeriesKind = Literal["number", "state", "fact"]


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """One series that rules may read."""

    name: str
    kind: SeriesKind
    hold_ns: int | None
    """How long a good sample holds; None: until its source's link is cut."""
    physical_max: float = math.inf
    """Above this a number is not good."""
    sources: tuple[str, ...] = ()
    """Sources that deliver it; where the link of one is lost, its hold is cut."""
    link_of: str | None = None
    """The source whose link this series is."""
    words: tuple[str, ...] = ()
    """Words of a state; none: any."""
    unit: str = ""

    @classmethod
    def of_signal(cls, signal: Signal, sources: Iterable[str] = ()) -> "SeriesSpec":
        """Describe a signal of a profile."""
        return cls(
            signal.id,
            signal.type,
            signal.stale_after_ns,
            math.inf if signal.physical_max is None else signal.physical_max,
            tuple(sources),
            words=signal.words,
            unit=signal.unit,
        )

    @classmethod
    def of_link(cls, source: str) -> "SeriesSpec":
        """Describe the link of a source."""
        return cls(link_signal(source), "state", LINK_HOLD_NS, link_of=source, words=LINK_WORDS)

    @classmethod
    def of_fact(cls, name: str) -> "SeriesSpec":
        """Describe a fact or a figure, by the name of its series."""
        period_s = FIGURE_PERIOD_S if name.startswith("figure:") else FACT_PERIOD_S
        unit = next((u for end, u in _UNITS.items() if name.split(":")[1].endswith(end)), "")
        return cls(name, "fact", to_ns(PERIODS_HELD * period_s), unit=unit)


_UNITS = {"_pct": "%", "_h": "h", "_s": "s", "_difference": "samples"}


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """All series that the rules of one facility may read."""

    facility: str
    series: Mapping[str, SeriesSpec]
    mode_signal: str | None = None
    delivery_signal: str | None = None
    limit_names: tuple[str, ...] | None = None
    """Limits that the facility has; None: not checked."""
    facts: tuple[str, ...] = field(default=tuple(FACTS))
    """Names of facts that rules may read."""

    @classmethod
    def of(cls, profile: Profile, delivered_by: Mapping[str, Iterable[str]]) -> "SeriesTable":
        """Describe the signals of a profile, the links of its sources, kado's facts and figures.

        Parameters
        ----------
        delivered_by
            For each source its signals.
        """
        by_signal: dict[str, list[str]] = {}
        for source, signals in delivered_by.items():
            for signal in signals:
                by_signal.setdefault(signal, []).append(source)
        specs = [SeriesSpec.of_signal(s, by_signal.get(s.id, ())) for s in profile.signals]
        specs += [SeriesSpec.of_link(source) for source in delivered_by]
        specs += [SeriesSpec.of_fact(fact_series(name)) for name in FACTS]
        specs += [SeriesSpec.of_fact(figure_series(name, period)) for name in FIGURES for period in FIGURE_PERIODS]
        return cls(
            profile.id,
            {spec.name: spec for spec in specs},
            mode_signal=profile.mode_signal,
            delivery_signal=profile.delivery_signal,
        )
