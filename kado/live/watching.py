"""What a live screen shows of a running service, read beside it without holding it up."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from collector.ledger import SourceTotals, read_ledger
from facility.definition import load_definition
from facility.errors import DamagedDataError, FormatVersionError, KadoError
from facility.interval import Intervals
from facility.period import day_of, month_of
from facility.schedule import resolve
from facility.signals import LINK_HOLD_NS, link_signal
from facility.time import NS_PER_S, Clock
from kado.config import Configuration
from kado.language import term, tr
from kado.live.screen import LiveView, link_lines
from kado.output import age
from kado.queries.evidence import extent_of, signals_of_evidence
from kado.queries.recent_samples import limit_warnings_now
from kado.queries.running_service import changed_since_start
from kado.queries.warning_words import limit_words
from kado.service.application import Application
from kado.service.journal_watch import JournalWatch
from kado.service.live_figures import LiveCalculator, LiveFigures
from kado.service.store_thread import StoreThread
from kado.stores import running_pid
from storage.store import LastValue, TelemetryStore

if TYPE_CHECKING:
    from analytics.limits_age import LimitWarning

FIGURES_EVERY_S: Final = 2.0
LIMITS_EVERY_NS: Final = 600 * NS_PER_S
TODAY_AGAIN_NS: Final = 60 * NS_PER_S
"""So often another process's samples of today are read again from its start: late ones are seen then."""
ALL_AGAIN_NS: Final = 600 * NS_PER_S
"""The same for all days before."""


class Watched(Protocol):
    """A service as its watcher sees it."""

    def changes(self, now_ns: int) -> Mapping[str, Intervals]:
        """Return where samples may have come since the last call, by signal."""
        ...

    def links(self, last: Mapping[str, LastValue], now_ns: int) -> tuple[str, ...]:
        """Return a line for each source."""
        ...

    def service(self) -> str:
        """Return whether the service runs; empty: it is this process."""
        ...


class WatchedInside:
    """The service that runs in this process."""

    def __init__(self, configuration: Configuration, application: Application) -> None:
        self._zone = configuration.profile.zone
        self._application = application

    def changes(self, now_ns: int) -> Mapping[str, Intervals]:
        """Return what has landed."""
        del now_ns
        return self._application.changes.take()

    def links(self, last: Mapping[str, LastValue], now_ns: int) -> tuple[str, ...]:
        """Return what the service itself knows of its sources."""
        del last, now_ns
        return link_lines(self._application.status().sources, self._zone)

    def service(self) -> str:
        """Return nothing: it is this process."""
        return ""


class WatchedBeside:
    """A service of another process: nobody tells what has landed, so time is looked at again now and then."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._signals = tuple(signals_of_evidence(configuration))
        self._today_ns = self._all_ns = 0

    def changes(self, now_ns: int) -> Mapping[str, Intervals]:
        """Return today once a minute, and all time every ten minutes."""
        since_ns: int | None = None
        if now_ns - self._all_ns >= ALL_AGAIN_NS:
            since_ns, self._all_ns, self._today_ns = 0, now_ns, now_ns
        elif now_ns - self._today_ns >= TODAY_AGAIN_NS:
            since_ns, self._today_ns = day_of(now_ns, self._configuration.profile.zone).start_ns, now_ns
        if since_ns is None:
            return {}
        return dict.fromkeys(self._signals, Intervals.of([(since_ns, now_ns)]))

    def links(self, last: Mapping[str, LastValue], now_ns: int) -> tuple[str, ...]:
        """Return the newest word of each link that is stored."""
        lines: list[str] = []
        for source in self._configuration.sources:
            word = last.get(link_signal(source.id))
            if word is None:
                lines.append(tr("{source}: no state recorded", source=source.id))
                continue
            ago = age(word.time_ns, now_ns)
            line = tr("{source} {state}, reported {age} ago", source=source.id, state=term(word.state or ""), age=ago)
            if word.state == "up" and now_ns - word.time_ns > LINK_HOLD_NS:
                line += tr(", too old to be trusted")
            lines.append(line)
        return tuple(lines)

    def service(self) -> str:
        """Return whether it runs, and whether its configuration was changed under it."""
        pid = running_pid(self._configuration)
        if pid is None:
            return tr("kado is not running")
        line = tr("kado is running, pid {pid}", pid=pid)
        changed = changed_since_start(self._configuration)
        return line + (tr("; its configuration has changed since its start") if changed else "")


class Watcher:
    """Computes figures again and again (`run`, a task) and gathers what a screen shows (`view`)."""

    def __init__(self, configuration: Configuration, watched: Watched, clock: Clock) -> None:
        self._configuration = configuration
        self._watched = watched
        self._clock = clock
        self._definition = load_definition(configuration.profile.definition, configuration.folder)
        self._journal = JournalWatch(configuration)
        self._plan = resolve(self._journal.record.versions, notice_ns=self._definition.notice_ns)
        self._figures: LiveFigures | None = None
        self._calculator: LiveCalculator | None = None
        self._limits: tuple[LimitWarning, ...] = ()
        self._limits_at_ns = 0
        self._problem = ""
        self._seen: tuple[Mapping[str, LastValue], Sequence[SourceTotals]] = ({}, ())

    async def run(self, thread: StoreThread) -> None:
        """Compute the figures forever; while the store cannot be read the last ones stay, with the reason."""
        while True:
            try:
                self._figures = await thread.ask(self._compute)
            except KadoError as error:
                self._problem = str(error)
            else:
                self._problem = ""
            await asyncio.sleep(FIGURES_EVERY_S)

    def _compute(self, store: TelemetryStore) -> LiveFigures:
        # First what came, then the look at the store: what comes in between is found the next time.
        now_ns = self._clock()
        changes = self._watched.changes(now_ns)
        news = self._journal.look()
        profile = self._configuration.profile
        calculator = self._calculator
        if calculator is None:
            extent = extent_of(store, profile)
            record = self._journal.record
            calculator = LiveCalculator(self._configuration, store, record, self._definition, extent)
            self._calculator = calculator
        else:
            calculator.touched(changes)
            if news:
                calculator.learn(self._journal.record)
        if now_ns - self._limits_at_ns >= LIMITS_EVERY_NS:
            self._limits, self._limits_at_ns = limit_warnings_now(profile, store.read, now_ns), now_ns
        self._plan = calculator.days.plan
        return calculator.compute(now_ns)

    async def view(self, thread: StoreThread) -> LiveView:
        """Return what there is to see now; of a store that cannot be read, what was seen last.

        Raises
        ------
        DamagedDataError, FormatVersionError
            If waiting does not help.
        """
        profile, now_ns = self._configuration.profile, self._clock()
        problem = self._problem
        try:
            self._seen = await thread.ask(self._newest)
        except (DamagedDataError, FormatVersionError):
            raise
        except KadoError as error:
            problem = str(error)
        last, totals = self._seen
        month = month_of(now_ns, profile.zone)
        corrections = self._journal.record.corrections
        return LiveView(
            profile=profile,
            definition=self._definition,
            plan=self._plan,
            now_ns=now_ns,
            newest=last.get(profile.delivery_signal),
            figures=self._figures,
            totals=tuple(totals),
            links=self._watched.links(last, now_ns),
            corrections=tuple(c for c in corrections if c.start_ns < month.end_ns and month.start_ns < c.end_ns),
            service=self._watched.service(),
            warnings=tuple(limit_words(warning) for warning in self._limits),
            problem=problem,
        )

    def _newest(self, store: TelemetryStore) -> tuple[Mapping[str, LastValue], Sequence[SourceTotals]]:
        links = [link_signal(source.id) for source in self._configuration.sources]
        last = store.last([self._configuration.profile.delivery_signal, *links])
        return last, read_ledger(self._configuration.data_dir).sources()
