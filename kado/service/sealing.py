"""``kado store seal`` and ``compact``: past days sealed, and the files of past months merged, by hand."""

from dataclasses import dataclass
from typing import Any

from facility.errors import UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import Clock, format_second, format_time, parse_time
from kado.config import Configuration
from kado.queries.identity import identity
from kado.stores import open_for_maintenance
from storage.upkeep import Sealed


@dataclass(frozen=True, slots=True)
class SealedBefore:
    """What was done, and up to which time."""

    before_ns: int
    done: Sealed


def seal_before(configuration: Configuration, before: str | None, clock: Clock) -> SealedBefore:
    """Seal every day that ends at or before a time; None: ``store.seal_after_days`` ago.

    Raises
    ------
    LockedError
        If another process holds the data directory, naming its pid.
    UsageError
        If the samples are on a server, or the time lies in the future.
    ArchiveError
        If something could not be sealed, naming all of it; the rest is sealed.
    """
    before_ns = _before_ns(configuration, before, clock)
    with open_for_maintenance(configuration, clock) as store:
        return SealedBefore(before_ns, store.seal(before_ns))


def compact_before(configuration: Configuration, before: str | None, clock: Clock) -> SealedBefore:
    """Merge the files of every month that ends at or before a time; else as `seal_before`."""
    before_ns = _before_ns(configuration, before, clock)
    with open_for_maintenance(configuration, clock) as store:
        return SealedBefore(before_ns, store.merge_months(before_ns))


def _before_ns(configuration: Configuration, before: str | None, clock: Clock) -> int:
    now_ns = clock()
    if before is None:
        return configuration.backend.seal_before_ns(now_ns)
    before_ns = parse_time(before)
    if before_ns > now_ns:
        raise UsageError(
            Sentence(
                "--before {before} lies in the future (it is {now} now): only past days are sealed",
                before=before,
                now=format_second(now_ns, configuration.profile.zone),
            )
        )
    return before_ns


def sealed_document(profile: Profile, sealed: SealedBefore) -> dict[str, Any]:
    """Return the same for programs."""
    done = sealed.done
    return {
        **identity(profile),
        "before": format_time(sealed.before_ns, profile.zone),
        "files": done.files,
        "samples": done.samples,
        "bytes": done.bytes,
        "rows_deleted": done.rows_deleted,
    }
