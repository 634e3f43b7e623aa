"""Sealing and merging by hand, while no kado runs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.config import Configuration, EmbeddedSettings
from console.stores import open_for_care, provenance_of
from facility.errors import UsageError
from facility.time import NS_PER_DAY, Clock, format_time, parse_time

if TYPE_CHECKING:
    from storage.embedded.archive.sealing import Sealed


@dataclass(frozen=True, slots=True)
class SealedBefore:
    """What was done up to when."""

    before_ns: int
    done: "Sealed"


def seal_before(configuration: Configuration, before: str | None, clock: Clock) -> SealedBefore:
    """Seal every day that ends at or before a time; None: ``store.seal_after_days`` ago.

    Raises
    ------
    LockedError
        If another process holds the data directory, naming its pid.
    UsageError
        If the store is InfluxDB, or the time lies in the future.
    ArchiveError
        If something could not be sealed, naming all of it; the rest is sealed.
    """
    before_ns = _before_ns(configuration, before, clock)
    with open_for_care(configuration, clock) as store:
        return SealedBefore(before_ns, store.seal(before_ns, provenance=provenance_of(configuration.profile)))


def compact_before(configuration: Configuration, before: str | None, clock: Clock) -> SealedBefore:
    """Merge the files of every month that ends at or before a time; else as `seal_before`."""
    before_ns = _before_ns(configuration, before, clock)
    with open_for_care(configuration, clock) as store:
        return SealedBefore(before_ns, store.merge_months(before_ns, provenance=provenance_of(configuration.profile)))


def _before_ns(configuration: Configuration, before: str | None, clock: Clock) -> int:
    now_ns = clock()
    if before is None:
        settings = configuration.store
        days = settings.seal_after_days if isinstance(settings, EmbeddedSettings) else 0
        return now_ns - days * NS_PER_DAY
    before_ns = parse_time(before)
    if before_ns > now_ns:
        raise UsageError(
            f"--before {before} lies in the future, it is {format_time(now_ns)}: days that are not over stay rows"
        )
    return before_ns
