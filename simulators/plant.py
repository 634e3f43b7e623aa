"""The seam between what all simulated machines share and what each kind of machine is."""

from typing import Protocol

from facility.batch import Float64, Int64
from facility.profile import Profile
from simulators.calendar import Calendar
from simulators.faults import FaultProcess
from simulators.monitors import Readings
from simulators.scenario import Scenario


class Plant(Protocol):
    """The physics and the instruments of one machine; everything is a function of the instant asked for."""

    beamlines: tuple[str, ...]
    """Where one beamline has the beam at a time: those that take turns."""

    def __init__(
        self, profile: Profile, scenario: Scenario, faults: FaultProcess, calendar: Calendar, seed: int
    ) -> None:
        """Build it.

        Raises
        ------
        ScenarioError
            If the scenario does not fit the facility.
        """
        ...

    def delivered(self, day: int, times: Int64) -> Float64:
        """Return what the delivery signal measures, without noise, at increasing stamps of a UTC day."""
        ...

    def monitor(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return what the delivery signal's monitor reads, while it works, of what is delivered."""
        ...

    def witness(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return what the witness reads, while it works, of what is delivered."""
        ...

    def knows(self, signal: str) -> bool:
        """Whether the machine has an instrument of that name, beside the delivery signal, its witness and the mode."""
        ...

    def number(self, signal: str, day: int, times: Int64, beam: Float64) -> Readings:
        """Return what a further instrument shows at the stamps, where `beam` is delivered.

        Raises
        ------
        KeyError
            If the machine does not know it, or it is a state.
        """
        ...

    def state(self, signal: str, day: int) -> tuple[Int64, list[str]]:
        """Return when a further state is said on a UTC day, and what.

        Raises
        ------
        KeyError
            If the machine does not know it, or it is a number.
        """
        ...
