"""The hourly maintenance of the store by the service: retention and sealing, or aggregation to minutes."""

from dataclasses import asdict
from typing import Any

from facility.errors import KadoError
from facility.profile import Profile
from facility.time import Clock
from kado.config import Configuration
from kado.queries.identity import identity
from kado.service.hourly import Hourly
from storage.upkeep import Downsampled


class Upkeep:
    """Lets the store do its maintenance once at the start and then on the hour.

    Contract: for the process that holds the directory's lock, in a thread beside everything else. What cannot be done
    now is logged when the reason changes, and tried again.
    """

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self._backend = configuration.backend
        self._clock = clock
        self._hourly = Hourly(clock, (KadoError,), self._backend.log_problem)

    async def run(self) -> None:
        """Maintain the store until cancelled; then end between two steps, which loses nothing."""
        await self._hourly.run(self.maintain)

    def maintain(self) -> None:
        """Do what is due now; errors as `storage.backend.StoreBackend.maintain`."""
        self._backend.maintain(self._clock, self._hourly.go_on)


def downsampled_document(profile: Profile, done: Downsampled) -> dict[str, Any]:
    """Return what was aggregated for programs."""
    return {**identity(profile), **asdict(done)}
