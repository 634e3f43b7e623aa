"""Log lines of the running service: beam lost, beam back, each with its length."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np

from collector.arrival import Arrival
from facility.batch import Batch, Samples, join_by_signal
from facility.definition import load_definition
from facility.errors import KadoError
from facility.schedule import Plan, resolve
from facility.time import NS_PER_DAY, NS_PER_S, Clock, format_time
from kado.config import Configuration
from kado.queries.beam import LOOK_NS, BeamState, Verdict, find_verdict
from kado.queries.evidence import signals_of_evidence
from kado.rounding import duration
from kado.service.journal_watch import JournalWatch
from kado.service.store_thread import StoreThread
from storage.store import TelemetryStore

_LOG: Final = logging.getLogger(__name__)

EVERY_S: Final = 2.0
KEPT_NS: Final = 7 * NS_PER_DAY
"""An outage is followed back so far at most."""


class BeamLog:
    """Judges the beam again and again from what has landed, and logs each change.

    Contract: add it to the landing's observers before anything lands, then `run` once. It needs the store only at the
    start: what comes in is kept here for as long as a verdict may depend on it, so a store that is away delays
    nothing.
    """

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self._configuration = configuration
        self._clock = clock
        self._definition = load_definition(configuration.profile.definition, configuration.folder)
        self._signals = frozenset(signals_of_evidence(configuration))
        self._journal = JournalWatch(configuration)
        self._plan = self._resolved()
        self._lock = threading.Lock()
        self._landed: list[Batch] = []
        self._kept: dict[str, Samples] = {}
        self._last: Verdict | None = None
        self._problem = ""

    def landed(self, arrivals: Sequence[Arrival], took_s: float) -> None:
        """Take notice of arrivals; see `collector.landing_observer`."""
        del took_s
        found = [a.batch for a in arrivals if a.batch is not None and self._signals.intersection(a.batch.signals)]
        if found:
            with self._lock:
                self._landed += found

    async def run(self) -> None:
        """Judge and log, until cancelled."""
        async with StoreThread(self._configuration, "beam log") as thread:
            try:
                await thread.ask(self._start)
            except KadoError as error:
                _LOG.info("the beam of before this start is not known: %s", error)
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Judge the beam now, and log what has changed."""
        now_ns = self._clock()
        if self._journal.look():
            self._plan = self._resolved()
        self._take()
        delivery = self._kept.get(self._configuration.profile.delivery_signal)
        if delivery is None or not len(delivery):
            return
        extent = int(delivery.time_ns[0]), int(delivery.time_ns[-1])
        try:
            verdict = find_verdict(
                self._configuration,
                self._read,
                extent,
                self._definition,
                self._plan,
                self._journal.record.corrections,
                now_ns,
            )
        except KadoError as error:
            if str(error) != self._problem:
                _LOG.warning("the beam cannot be judged: %s", error)
            self._problem = str(error)
            return
        self._problem = ""
        self._tell(verdict, now_ns)
        # What an outage that is running began with is kept.
        since_ns = now_ns if verdict.since_ns is None else verdict.since_ns
        oldest_ns = max(min(now_ns, since_ns) - 2 * LOOK_NS, now_ns - KEPT_NS)
        for name, samples in self._kept.items():
            held = samples.between(int(samples.time_ns[0]), oldest_ns) if len(samples) else samples
            if len(held) > 1:
                self._kept[name] = samples.between(int(held.time_ns[-1]), int(samples.time_ns[-1]) + 1)

    def _start(self, store: TelemetryStore) -> None:
        now_ns = self._clock()
        for signal in self._signals:
            samples = store.read(signal, now_ns - 2 * LOOK_NS, now_ns, hold=True)
            if len(samples):
                self._kept[signal] = samples

    def _take(self) -> None:
        with self._lock:
            landed, self._landed = self._landed, []
        if not landed:
            return
        for name, samples in join_by_signal(landed).items():
            if name not in self._signals:
                continue
            kept = self._kept.get(name)
            if kept is None or not len(kept):
                self._kept[name] = samples
            elif samples.time_ns[0] > kept.time_ns[-1]:
                self._kept[name] = Samples.joined([kept, samples])
            else:
                self._kept[name] = join_by_signal([_as_batch(kept), _as_batch(samples)])[name]

    def _read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        kept = self._kept.get(signal)
        if kept is None or not len(kept):
            return Samples.empty(self._configuration.profile.id, signal)
        part = kept.between(start_ns, end_ns)
        before = kept.between(int(kept.time_ns[0]), start_ns) if hold else part
        if not hold or not len(before):
            return part
        return Samples.joined([before.between(int(before.time_ns[-1]), start_ns), part])

    def _resolved(self) -> Plan:
        return resolve(self._journal.record.versions, notice_ns=self._definition.notice_ns)

    def _tell(self, verdict: Verdict, now_ns: int) -> None:
        before, self._last = self._last, verdict
        if before is not None and before.state is verdict.state:
            return
        zone = self._configuration.profile.zone
        since_ns = now_ns if verdict.since_ns is None else verdict.since_ns
        at = format_time(since_ns // NS_PER_S * NS_PER_S, zone)
        earlier = ", unknown before" if verdict.after_unknown else ""
        mark = "SIMULATED: " if self._configuration.profile.simulated else ""
        planned = self._plan.block_at(min(since_ns, now_ns))
        plan = "nothing planned" if planned is None else f"planned {planned.category.value}"
        match verdict.state:
            case BeamState.NONE:
                _LOG.warning("%sbeam lost at %s%s (%s)", mark, at, earlier, plan)
            case BeamState.LOW:
                _LOG.warning("%slow beam since %s%s (%s)", mark, at, earlier, plan)
            case BeamState.UNKNOWN:
                _LOG.warning("%sbeam unknown since %s: no sample that holds", mark, at)
            case BeamState.UP:
                lost = before is not None and before.state in (BeamState.NONE, BeamState.LOW)
                length = earlier
                if lost and before is not None and before.since_ns is not None and verdict.since_ns is not None:
                    length = f", after {duration(verdict.since_ns - before.since_ns)}"
                _LOG.info("%sbeam %s at %s%s (%s)", mark, "back" if before else "up", at, length, plan)


def _as_batch(samples: Samples) -> Batch:
    return Batch.build(
        samples.facility,
        (samples.signal,),
        np.zeros(len(samples), np.int32),
        samples.time_ns,
        value=samples.value,
        state=samples.state,
        quality=samples.quality,
        reason=samples.reason,
        words=samples.words,
    )
