"""Loads what a figure is computed from, and calls the pure functions that compute it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.availability import Availability, availability, counted_part
from analytics.window import Window, link_cuts, load_window
from console.config import Configuration
from console.stores import open_journal, open_store
from facility.batch import Samples
from facility.definition import Definition, load_definition
from facility.errors import PeriodError
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan, ScheduleVersion, resolve
from facility.signals import link_signal
from facility.time import Clock, format_time, parse_time, system_clock
from storage.data_dir import DataDir
from storage.store import TelemetryStore

Read = Callable[[str, int, int], Samples]


@dataclass(frozen=True, slots=True)
class AvailabilityReport:
    """An availability with the names it is printed with."""

    profile: Profile
    definition: Definition
    as_known_on_ns: int
    """Schedule versions published later were left out."""
    availability: Availability


def load_schedule_versions(configuration: Configuration) -> tuple[ScheduleVersion, ...]:
    """Return every version of the calendar that was ever imported."""
    if not DataDir(configuration.data_dir).journal.exists():
        return ()
    with open_journal(configuration) as journal:
        return journal.schedule_versions()


def load_plan(configuration: Configuration, as_known_on: str | None = None, notice_ns: int | None = None) -> Plan:
    """Return the calendar, without the versions published after `as_known_on` (ISO 8601).

    With `notice_ns`, a definition's, user time that was cancelled later than that stays user time.
    """
    known_on_ns = None if as_known_on is None else parse_time(as_known_on)
    return resolve(load_schedule_versions(configuration), known_on_ns, notice_ns=notice_ns)


def load_availability(
    configuration: Configuration,
    period: str | Period,
    definition: str | None = None,
    as_known_on: str | None = None,
    *,
    clock: Clock = system_clock,
) -> AvailabilityReport:
    """Compute the availability of a period.

    Parameters
    ----------
    period
        As people write it, or as it is.
    definition
        Its id; None: the facility's own.
    as_known_on
        ISO 8601: leave out schedule versions published later; None: now.

    Raises
    ------
    PeriodError
        If the period is none, lies in the future, has no schedule, or no samples.
    DefinitionError
        If there is no such definition.
    """
    profile, now_ns = configuration.profile, clock()
    known_on_ns = now_ns if as_known_on is None else parse_time(as_known_on)
    chosen = load_definition(definition or profile.definition, configuration.folder)
    plan = resolve(load_schedule_versions(configuration), known_on_ns, notice_ns=chosen.notice_ns)
    if isinstance(period, str):
        period = profile.period(period, plan)
    with open_store(configuration) as store:
        extent = extent_of(store, profile)
        result = compute_availability(configuration, store.read, extent, plan, chosen, period, now_ns)
    return AvailabilityReport(profile, chosen, known_on_ns, result)


def compute_availability(
    configuration: Configuration,
    read: Read,
    extent: tuple[int, int],
    plan: Plan,
    definition: Definition,
    period: Period,
    now_ns: int,
) -> Availability:
    """Read what was recorded in and around a period and compute its availability.

    Parameters
    ----------
    read
        Returns a signal's samples stamped in ``[start_ns, end_ns)``.
    extent
        Stamps of the delivery signal's first and last sample.
    plan
        Resolved with the definition's notice.

    Raises
    ------
    PeriodError
        If the period lies in the future, has no schedule, or no samples.
    """
    profile = configuration.profile
    window = _load_window(profile, read, extent, definition, counted_part(profile, period, now_ns), now_ns)
    start, end = window.start_ns, window.end_ns
    witness, mode = profile.delivery.witness, profile.mode_signal
    return availability(
        profile,
        definition,
        plan,
        window.samples,
        period,
        now_ns=now_ns,
        window=(start, end),
        settled=window.settled,
        cuts=_load_cuts(configuration, read, start, end),
        witness=None if witness is None else read(witness, start, end),
        mode=None if mode is None else read(mode, start, end),
        flags={flag.signal: read(flag.signal, start, end) for flag in profile.flags.values()},
    )


def extent_of(store: TelemetryStore, profile: Profile) -> tuple[int, int]:
    """Return the stamps of the delivery signal's first and last sample.

    Raises
    ------
    PeriodError
        If there is none.
    """
    signal = profile.delivery_signal
    held = {series.signal: series for series in store.series()}.get(signal)
    if held is None or held.first_ns is None or held.last_ns is None:
        raise PeriodError(
            f"facility {profile.id} has no samples of {signal} at all: start 'kado run', or import some with "
            "'kado import FILE'"
        )
    return held.first_ns, held.last_ns


def _load_window(
    profile: Profile, read: Read, extent: tuple[int, int], definition: Definition, part: Period, now_ns: int
) -> Window:
    def read_delivery(start_ns: int, end_ns: int) -> Samples:
        return read(profile.delivery_signal, start_ns, end_ns)

    window = load_window(read_delivery, profile, definition, part, first_ns=extent[0], now_ns=now_ns)
    stale = profile.delivery.stale_after_ns
    # A sample stamped before the period may hold into it.
    reach = part.length_ns if stale is None else stale
    if not window.samples.between(part.start_ns - reach, part.end_ns):
        first, last = (format_time(ns, profile.zone) for ns in extent)
        raise PeriodError(
            f"facility {profile.id} has no samples of {profile.delivery_signal} in {part.id}: the store holds {first} "
            f"to {last}; choose a period inside that, or import more with 'kado import FILE'"
        )
    return window


def _load_cuts(configuration: Configuration, read: Read, start_ns: int, end_ns: int) -> NDArray[np.int64]:
    """Return where the links of the sources of the delivery signal were lost."""
    profile = configuration.profile
    heartbeats = profile.delivery.stale_after_ns is None
    cuts = [
        link_cuts(read(link_signal(source.id), start_ns, end_ns), heartbeats=heartbeats)
        for source in configuration.sources
        if profile.delivery_signal in source.signals
    ]
    return np.unique(np.concatenate([np.empty(0, np.int64), *cuts]))
