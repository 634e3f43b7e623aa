"""Two definitions on the same period and the same evidence."""

from dataclasses import dataclass

from analytics.compare import Comparison, compare
from console.config import Configuration
from console.figures import load_basis
from facility.definition import Definition, load_definition
from facility.profile import Profile
from facility.time import Clock, system_clock


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """A comparison with the names it is printed with."""

    profile: Profile
    first: Definition
    second: Definition
    as_known_on_ns: int
    comparison: Comparison


def load_comparison(
    configuration: Configuration,
    period: str,
    first: str,
    second: str,
    as_known_on: str | None = None,
    *,
    clock: Clock = system_clock,
) -> ComparisonReport:
    """Count a period by two definitions and trace the difference; raises what `load_availability` raises."""
    a, b = load_definition(first, configuration.folder), load_definition(second, configuration.folder)
    basis = load_basis(configuration, period, [a, b], as_known_on, clock=clock)
    basis.check_known()
    return ComparisonReport(configuration.profile, a, b, basis.as_known_on_ns, compare(a, b, basis.assess))
