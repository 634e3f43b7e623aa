"""Reads all that is known of a period, and of as much around it as its figures depend on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from analytics.distortion_window import Reach, ReadHeld, reach_of, widened
from analytics.distortions import Series
from analytics.evidence import Evidence, breaks
from analytics.links import LinkLoss
from analytics.window import Window, load_window, settled_since
from analytics.witness import window_ns
from facility.batch import Samples
from facility.corrections import BEAM_ASSERTIONS, Correction
from facility.definition import Definition
from facility.distortion import Distortion
from facility.errors import PeriodError
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.sentence import Sentence
from facility.signals import link_signal
from facility.time import format_second
from kado.config import Configuration
from kado.source_kinds import delivers
from storage.store import TelemetryStore


class Read(Protocol):
    """Returns a signal's samples, as `TelemetryStore.read` does."""

    def __call__(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold`, also the last one before."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """What was read for a period."""

    evidence: Evidence
    settled: bool
    """Whether it reaches far enough forward for the figures to be final."""
    closed: bool
    """Whether it reaches far enough forward for all that is found to be final, also what is found outside of user
    time."""
    reach_ns: int
    """How far before its window the witness was read."""
    depends_from_ns: Mapping[str, int]
    """Of each further signal: the findings depend on its samples from here on."""
    cut: bool
    """Whether what lies around the period was not followed to its end; see `analytics.window.Window`."""
    whole: bool
    """Whether each distortion that touches the period is over, and seen whole."""


def load_evidence(
    configuration: Configuration,
    read: Read,
    extent: tuple[int, int],
    definitions: Sequence[Definition],
    part: Period,
    corrections: Sequence[Correction],
    now_ns: int,
    cancelled: Intervals,
    *,
    counts_until_ns: int | None,
) -> Known:
    """Read what was recorded in and around a period.

    Parameters
    ----------
    read
        The store's.
    extent
        Stamps of the delivery signal's first and last sample.
    definitions
        By which the period is counted: the window is wide enough for each, and for any mixture of their rules.
    part
        The part of the period that is over.
    corrections
        Those in force.
    cancelled
        User time that by any of `definitions` was cancelled too late.
    counts_until_ns
        End of the last user time in `part`: once the beam was seen up after it, the figures are final. None where
        there is none; then nothing around `part` is looked at, which in a shutdown may be far.
    """
    reading = _Reading(configuration, read_once(read), definitions, corrections, cancelled)
    if counts_until_ns is None:
        reaches: dict[str, Reach] = {}
        window = Window(reading.delivery(part.start_ns, part.end_ns), part.start_ns, part.end_ns, True)
        settled = True
    else:
        reaches = reading.reaches(part, now_ns)
        window = reading.window(part, extent, now_ns, list(reaches.values()))
        settled = window.settled or reading.settled_since(window, counts_until_ns)
    depends_from_ns = {
        d.signal: min(reaches[o.id].depends_from_ns for o in reading.watched if o.signal == d.signal)
        for d in reading.watched
        if reaches
    }
    whole = all(r.whole for r in reaches.values())
    evidence = reading.evidence(window, now_ns)
    return Known(evidence, settled, window.settled, reading.witness_reach_ns, depends_from_ns, window.cut, whole)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the parts that make up the evidence."""

    configuration: Configuration
    read: Read
    definitions: Sequence[Definition]
    corrections: Sequence[Correction]
    cancelled: Intervals

    @property
    def profile(self) -> Profile:
        return self.configuration.profile

    @property
    def watched(self) -> list[Distortion]:
        """The distortions that any of the definitions counts."""
        return [d for d in self.profile.distortions if any(definition.counts(d.id) for definition in self.definitions)]

    @property
    def witness_reach_ns(self) -> int:
        """How far before the window the witness is read: it may have seen an outage right behind the start before."""
        witness = self.profile.delivery.witness
        return 0 if witness is None else window_ns(self.profile.signal(witness))

    @property
    def widest(self) -> Definition:
        """A definition that looks as far around as any of the definitions."""
        return self.definitions[0].model_copy(
            update={
                "merge_gap_s": max(d.merge_gap_s for d in self.definitions),
                "min_duration_s": max(d.min_duration_s for d in self.definitions),
            }
        )

    def delivery(self, start_ns: int, end_ns: int) -> Samples:
        return self.read(self.profile.delivery_signal, start_ns, end_ns)

    def reaches(self, part: Period, now_ns: int) -> dict[str, Reach]:
        """Return how far to look beyond a period for each distortion, by its id."""
        return {
            d.id: reach_of(_with_held(self.read, d.signal), d, self.profile.signal(d.signal), part, now_ns)
            for d in self.watched
        }

    def window(self, part: Period, extent: tuple[int, int], now_ns: int, around: Sequence[Reach]) -> Window:
        """Return the samples of the delivery signal, wide enough for every definition and every distortion."""
        widest = self.widest
        window = load_window(
            self.delivery, self.profile, widest, part, extent=extent, now_ns=now_ns, breaks=self._breaks
        )
        return widened(
            window, around, self.delivery, self.profile, widest, extent=extent, now_ns=now_ns, breaks=self._breaks
        )

    def settled_since(self, window: Window, since_ns: int) -> bool:
        """Whether the beam was seen up after an instant of a window, by every definition."""
        return settled_since(window, since_ns, self.profile, self.widest, self._breaks)

    def evidence(self, window: Window, now_ns: int) -> Evidence:
        """Return all that was recorded in a window."""
        profile, start, end = self.profile, window.start_ns, min(window.end_ns, now_ns)
        witness = profile.delivery.witness
        mode = None if profile.mode_signal is None else self.read(profile.mode_signal, start, end, hold=True)
        link = load_link(self.configuration, self.read, start, end)
        return Evidence(
            window.samples,
            start,
            end,
            link.cuts,
            None if witness is None else self.read(witness, start - self.witness_reach_ns, end),
            # Without samples of the mode nothing is known: that is no agreement with the plan.
            mode if mode else None,
            self._flags(start, end),
            self.corrections,
            {d.signal: _series(self.configuration, self.read, d.signal, start, end) for d in self.watched},
            link.down,
        )

    def _flags(self, start_ns: int, end_ns: int) -> dict[str, Samples]:
        return {name: self.read(flag.signal, start_ns, end_ns, hold=True) for name, flag in self.profile.flags.items()}

    def _breaks(self, start_ns: int, end_ns: int) -> Intervals:
        """Return where something other than the delivery signal's samples decides."""
        beside = Evidence(
            Samples.empty(self.profile.id, self.profile.delivery_signal),
            start_ns,
            end_ns,
            load_link(self.configuration, self.read, start_ns, end_ns).cuts,
            flags=self._flags(start_ns, end_ns),
            corrections=self.corrections,
        )
        return breaks(beside, self.profile, self.definitions, self.cancelled)


def read_once(read: Read) -> Read:
    """Return a reader that keeps every answer: the link of a source is asked for again for each of its signals."""
    kept: dict[tuple[str, int, int, bool], Samples] = {}

    def reading(signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        asked = (signal, start_ns, end_ns, hold)
        if asked not in kept:
            kept[asked] = read(signal, start_ns, end_ns, hold=hold)
        return kept[asked]

    return reading


def _with_held(read: Read, signal: str) -> ReadHeld:
    return lambda start_ns, end_ns: read(signal, start_ns, end_ns, hold=True)


def _series(configuration: Configuration, read: Read, signal: str, start_ns: int, end_ns: int) -> Series:
    link = load_link(configuration, read, start_ns, end_ns, signal=signal)
    return Series(read(signal, start_ns, end_ns, hold=True), link.cuts, link.down)


def signals_of_evidence(configuration: Configuration) -> dict[str, int | None]:
    """Return the signals that evidence is read from, and how long a sample of each holds, ns; None: to the next one."""
    profile = configuration.profile
    named = [profile.delivery_signal, profile.delivery.witness, profile.mode_signal]
    named += [flag.signal for flag in profile.flags.values()] + [d.signal for d in profile.distortions]
    signals = {s.id: None if s.type == "state" else s.stale_after_ns for s in profile.signals if s.id in named}
    linked = [profile.delivery_signal, *(d.signal for d in profile.distortions)]
    links = [link_signal(s.id) for s in configuration.sources if any(delivers(s, signal) for signal in linked)]
    return signals | dict.fromkeys(links)


def check_known(profile: Profile, part: Period, extent: tuple[int, int], corrections: Sequence[Correction]) -> None:
    """Refuse a period that ends before anything is known: before the first sample, and before any correction.

    Any later period has a figure where it has a plan; of a day without a sample all is unknown.

    Raises
    ------
    PeriodError
        Saying what the store holds.
    """
    stated = (c.start_ns for c in corrections if c.assertion in BEAM_ASSERTIONS)
    if part.end_ns <= min([extent[0], *stated]):
        first, last = (format_second(ns, profile.zone) for ns in extent)
        raise PeriodError(
            Sentence(
                "facility {facility} has no samples of {signal} in {period}: the store holds {first} to {last}; choose"
                " a period inside that, or import more with 'kado import FILE'",
                facility=profile.id,
                signal=profile.delivery_signal,
                period=part.id,
                first=first,
                last=last,
            )
        )


def extent_of(store: TelemetryStore, profile: Profile) -> tuple[int, int]:
    """Return the stamps of the delivery signal's first and last sample whose stamp can be true.

    Raises
    ------
    PeriodError
        If there is none.
    """
    signal = profile.delivery_signal
    extent = credible_extent(store, profile, signal)
    if extent is None:
        raise PeriodError(
            Sentence(
                "facility {facility} has no samples of {signal} at all: start 'kado run', or import some with"
                " 'kado import FILE'",
                facility=profile.id,
                signal=signal,
            )
        )
    return extent


def credible_extent(store: TelemetryStore, profile: Profile, signal: str) -> tuple[int, int] | None:
    """Return the stamps of a signal's first and last sample whose stamp can be true; None if it has none.

    A sample with a stamp that cannot be true does not prove that the signal was watched then.
    """
    extent, last = store.extent(signal), store.last([signal]).get(signal)
    if extent is None or last is None:
        return None
    first_ns = extent[0]
    if first_ns < profile.earliest_ns:
        for samples in store.read_chunks(signal, first_ns, last.time_ns + 1):
            credible = samples.time_ns[~samples.with_impossible_time()]
            if len(credible):
                return int(credible[0]), last.time_ns
    return first_ns, last.time_ns


def load_link(
    configuration: Configuration, read: Read, start_ns: int, end_ns: int, *, signal: str | None = None
) -> LinkLoss:
    """Return where the links of the sources of a signal were lost; None: of the delivery signal."""
    profile = configuration.profile
    of = profile.delivery if signal is None else profile.signal(signal)
    heartbeats = of.stale_after_ns is None
    return LinkLoss.of_all(
        [
            LinkLoss.of(read(link_signal(source.id), start_ns, end_ns, hold=True), end_ns, heartbeats=heartbeats)
            for source in configuration.sources
            if delivers(source, of.id)
        ]
    )
