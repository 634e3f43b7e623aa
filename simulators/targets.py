"""The stored current that the operators aim at, by date and planned mode."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from facility.errors import ScenarioError
from facility.profile import Profile
from facility.schedule import Category
from facility.sentence import Sentence
from facility.time import MAX_NS, format_time, from_datetime, local_midnight, to_ns
from simulators.scenario import BEAM_MODES, Scenario


@dataclass(frozen=True, slots=True)
class Target:
    """A top-up band."""

    current_ma: float
    """Refills end here."""
    lower_ma: float
    """Refills begin here."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The target of every mode over time."""

    by_mode: dict[Category, tuple[tuple[int, Target], ...]]
    """For each mode (instant from which it holds, ns; target), in order of time."""

    @classmethod
    def of_pulses(cls, profile: Profile, scenario: Scenario) -> "Targets":
        """Take the scenario's targets, or the profile's, for a machine that stores nothing.

        Raises
        ------
        ScenarioError
            If there is no target for users, or it is below their limits.
        """
        rows = _stated(profile, scenario) if scenario.targets else _from_target(profile)
        by_mode = {
            mode: tuple((since, target) for m, since, target in sorted(rows, key=lambda r: r[1]) if m is mode)
            for mode in {mode for mode, _, _ in rows}
        }
        _check_user_limits(profile, scenario, by_mode.get(Category.USER, ()))
        return cls(by_mode)

    @classmethod
    def of(cls, profile: Profile, scenario: Scenario) -> "Targets":
        """Take the scenario's targets, or make them of the profile's limits: ``nominal`` is the band's lower edge.

        Raises
        ------
        ScenarioError
            If a target lies above what the monitor can measure, or its band below the limits of user operation.
        """
        rows = _stated(profile, scenario) if scenario.targets else _from_limits(profile, scenario)
        by_mode: dict[Category, tuple[tuple[int, Target], ...]] = {}
        for mode in {mode for mode, _, _ in rows}:
            by_mode[mode] = tuple(sorted(((t, target) for m, t, target in rows if m is mode), key=lambda r: r[0]))
        for _, _, target in rows:
            _check_measurable(profile, scenario, target)
        _check_user_limits(profile, scenario, by_mode.get(Category.USER, ()))
        return cls(by_mode)

    def at(self, mode: Category, ns: int) -> Target | None:
        """Return the target at an instant; None before the first, and in modes without beam."""
        if mode not in BEAM_MODES:
            return None
        for candidate in (mode, Category.USER):
            rows = self.by_mode.get(candidate, ())
            if i := bisect_right(rows, ns, key=lambda r: r[0]):
                return rows[i - 1][1]
        return None

    def changes(self, start_ns: int, end_ns: int) -> list[int]:
        """Return the instants inside ``(start_ns, end_ns)`` at which a target changes."""
        return sorted({t for rows in self.by_mode.values() for t, _ in rows if start_ns < t < end_ns})

    def pieces(self, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Return ``[start_ns, end_ns)`` cut where a target changes."""
        return list(pairwise([start_ns, *self.changes(start_ns, end_ns), end_ns]))


def _instant(since: date | datetime, profile: Profile) -> int:
    return from_datetime(since) if isinstance(since, datetime) else local_midnight(since, profile.zone)


def _stated(profile: Profile, scenario: Scenario) -> list[tuple[Category, int, Target]]:
    band = 1 - scenario.ring.band_pct / 100
    return [
        (step.mode, _instant(step.since, profile), Target(step.current_ma, step.current_ma * band))
        for step in scenario.targets
    ]


def _from_target(profile: Profile) -> list[tuple[Category, int, Target]]:
    if profile.target is None:
        raise ScenarioError(
            Sentence(
                "facility {profile} has no target to aim at: add one to the profile or the scenario", profile=profile.id
            )
        )
    since = min(_instant(step.since, profile) for step in profile.limit_steps)
    return [(Category.USER, since, Target(profile.target, profile.target))]


def _from_limits(profile: Profile, scenario: Scenario) -> list[tuple[Category, int, Target]]:
    """Aim at the whole mA next above the band; a step up at once, a step down when its grace time is over."""
    band = 1 - scenario.ring.band_pct / 100
    rows: list[tuple[Category, int, Target]] = []
    before: dict[Category, float] = {}
    for step in sorted(profile.limit_steps, key=lambda s: _instant(s.since, profile)):
        since, nominal = _instant(step.since, profile), step.nominal
        if nominal < before.get(step.mode, 0.0):
            since += to_ns(step.grace_h * 3600)
        rows.append((step.mode, since, Target(max(float(round(nominal / band)), nominal), nominal)))
        before[step.mode] = nominal
    return rows


def _check_measurable(profile: Profile, scenario: Scenario, target: Target) -> None:
    highest = profile.delivery.physical_max
    peak = target.current_ma + scenario.ring.shot_ma
    if highest is not None and peak > highest:
        raise ScenarioError(
            Sentence(
                "scenario {scenario}: a target of {current_ma} mA, and a shot of {shot_ma} mA above "
                "it, passes physical_max {highest} of {profile}'s {delivery_signal}; lower the target",
                scenario=scenario.id,
                current_ma=target.current_ma,
                shot_ma=scenario.ring.shot_ma,
                highest=highest,
                profile=profile.id,
                delivery_signal=profile.delivery_signal,
            )
        )


def _check_user_limits(profile: Profile, scenario: Scenario, rows: tuple[tuple[int, Target], ...]) -> None:
    if not rows:
        raise ScenarioError(
            Sentence("scenario {scenario} has no target for mode 'user': add one", scenario=scenario.id)
        )
    ends = [t for t, _ in rows[1:]] + [MAX_NS]
    unit = profile.delivery.unit
    for (since, target), end in zip(rows, ends, strict=True):
        for moment in (since, *profile.limits.changes(since, end)):
            limits = profile.limits.at(Category.USER, moment)
            if limits is not None and target.lower_ma < limits.nominal - 1e-9:
                raise ScenarioError(
                    Sentence(
                        "scenario {scenario}: from {moment} users would get {lower_ma:g} to {current_ma:g} "
                        "{unit}, below the nominal {nominal:g} {unit} of {profile}; raise the target or "
                        "narrow band_pct",
                        scenario=scenario.id,
                        moment=format_time(moment, profile.zone),
                        lower_ma=target.lower_ma,
                        current_ma=target.current_ma,
                        unit=unit,
                        nominal=limits.nominal,
                        profile=profile.id,
                    )
                )
