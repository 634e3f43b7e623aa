"""Sums up samples in InfluxDB minute by minute: the service on the hour, people whenever they like."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Any, Final

from facility.errors import KadoError, UsageError
from facility.profile import Profile
from facility.time import Clock
from kado.config import Configuration, InfluxSettings
from kado.queries.identity import identity
from kado.service.hourly import Hourly
from kado.stores import make_influx_client
from storage.influxdb.client import MINUTES_SUFFIX
from storage.influxdb.downsampling import Downsampled, Downsampler

_LOG: Final = logging.getLogger(__name__)


def downsample(
    configuration: Configuration,
    clock: Clock,
    *,
    signals: tuple[str, ...] = (),
    rebuild: bool = False,
    go_on: Callable[[], None] = lambda: None,
    progress: Callable[[int, int, str], None] = lambda done, total, signal: None,
) -> Downsampled:
    """Sum up what is over and was not yet, or was touched since; see `storage.influxdb.downsampling`.

    Parameters
    ----------
    signals
        Which ones; all of them where none is named.
    rebuild
        Whether what was summed up is made anew.
    go_on
        Called between two steps; may raise.
    progress
        Told how many signals of how many are done, and which one is next.

    Raises
    ------
    UsageError
        If the store is not InfluxDB, or has no such signal.
    UnreachableError, AuthorizationError
        If the server does not answer, refuses us, or has no bucket for minutes.
    """
    store = configuration.store
    if not isinstance(store, InfluxSettings):
        raise UsageError("store.kind is 'embedded': its sealed days have their minutes beside them; nothing to do")
    of_minutes = store.model_copy(update={"bucket": store.bucket + MINUTES_SUFFIX})
    with (
        closing(make_influx_client(configuration, store)) as samples,
        closing(make_influx_client(configuration, of_minutes)) as minutes,
    ):
        downsampler = Downsampler(samples, minutes, configuration.profile.id, clock, go_on)
        known = downsampler.signals()
        for signal in signals:
            if signal not in known:
                raise UsageError(
                    f"bucket {store.bucket!r} has no signal {signal!r}: it has {', '.join(known) or 'none'}"
                )
        return downsampler.run(signals or known, rebuild=rebuild, progress=progress)


class Downsampling:
    """Sums up days of samples on the hour, and once at the start.

    Contract: in a thread, beside everything else. What cannot be summed up now is logged when the reason changes and
    tried again; until then long ranges are drawn from samples.
    """

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self._configuration = configuration
        self._clock = clock
        self._hourly = Hourly(clock, (KadoError,), self._tell)

    async def run(self) -> None:
        """Sum up until cancelled; then end between two steps, which loses nothing."""
        await self._hourly.run(self.sum_up)

    def sum_up(self) -> None:
        """Sum up what is over.

        Raises
        ------
        KadoError
            If the server does not let us.
        """
        done = downsample(self._configuration, self._clock, go_on=self._hourly.go_on)
        if done.days:
            _LOG.info("summed up %d days of %d signals into %d minutes", done.days, done.signals, done.minutes)

    def _tell(self, problem: str) -> None:
        _LOG.warning("long ranges are drawn from samples, since minutes cannot be summed up: %s", problem)


def downsampled_document(profile: Profile, done: Downsampled) -> dict[str, Any]:
    """Return the same for programs."""
    return {**identity(profile), **asdict(done)}
