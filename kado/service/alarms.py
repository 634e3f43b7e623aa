"""Alarms in the service: what is durable goes through the engine, state and transitions into ``telemetry.db``."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from analytics.alarms import Engine, Feed, LimitPieces, Outcome, advance, begin, resume
from analytics.alarms.figures import INTERVAL_NS
from analytics.alarms.limits import limit_pieces, reduced_of
from analytics.alarms.rows import ENGINE, RULES, alarm_row, engine_row, from_rows, series_row, to_rows
from facility.alarms import LISTED_STATES, AlarmRules, SeriesTable, Transition, leaves
from facility.batch import NO_WORD, Batch
from facility.errors import AlarmRuleError, KadoError
from facility.schedule import Plan, resolve
from facility.time import NS_PER_DAY, NS_PER_S, Clock, to_ns
from kado.config import Configuration
from kado.journal import open_alarm_journal
from kado.queries.alarm_rules import load_alarm_rules, series_table
from kado.service.alarm_counts import AlarmCounts
from kado.service.alarm_facts import AlarmFacts, FactSources
from kado.service.alarm_inbox import AlarmInbox
from kado.service.journal_watch import JournalWatch
from kado.stores import open_store
from storage.journal.alarms import AlarmJournal, Watch, refusal_row, transition_row, watch_row
from storage.store import LastValue
from storage.telemetry_db.alarms import AlarmStateFile

if TYPE_CHECKING:
    from kado.service.notification.outbox import Outbox

_LOG: Final = logging.getLogger(__name__)

EVERY_S: Final = 1.0
PAUSE_S: Final = 0.05
"""Between two looks, however fast batches come."""
BACK_NS: Final = 5 * NS_PER_S
"""A clock that was put back by more than this is a restart without a hole."""
SERIES_EVERY_NS: Final = 10 * NS_PER_S
"""What number series hold is written this often, and with each look what is read by alarms that changed or are listed;
after a restart the store has the newest of each."""
SERVICE: Final = "service"
"""Row of `alarm_state` with what belongs to the service: the last action taken, and the last reload."""


class AlarmListener(Protocol):
    """Called in the thread of the alarms after each commit that holds transitions; must be quick and not raise."""

    def changed(self, transitions: Sequence[Transition], engine: Engine) -> None:
        """Take notice of rows that are durable now; the engine is as it is after them."""
        ...


class Alarms:
    """The alarms of one service.

    Contract: `inbox` observes the landing; `run` once, beside everything else; `request_reload` from any thread.
    Everything else happens in one thread of its own, which collection never waits for: state and transitions commit
    together, then go on to the journal; a commit that fails is tried again with the next look, with the same samples.
    """

    def __init__(self, configuration: Configuration, clock: Clock, facts: FactSources) -> None:
        assert configuration.settings.alarms is not None
        self._configuration = configuration
        self._clock = clock
        self._settle_ns = to_ns(configuration.settings.alarms.settle_s)
        self._table: SeriesTable = series_table(configuration)
        self._rules: AlarmRules = load_alarm_rules(configuration, self._table)
        self._facts = AlarmFacts(configuration, facts)
        self._wakened: Callable[[], None] = lambda: None
        self.inbox = AlarmInbox(lambda: self._wakened())
        self.listeners: list[AlarmListener] = []
        self.outbox: Outbox | None = None
        """Where there are targets: what is to be sent, committed together with the transitions."""
        self.counts = AlarmCounts()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="alarms")
        self._file: AlarmStateFile | None = None
        self._journal: AlarmJournal | None = None
        self._watch: JournalWatch | None = None
        self._engine: Engine | None = None
        self._last_action = 0
        self._kept: Feed = Feed()
        """What a look took in whose commit failed."""
        self._plan, self._limits, self._limits_end_ns = Plan(()), LimitPieces(), 0
        self._reload = False
        self._reloaded: dict[str, object] = {"count": 0}
        self._series_ns = 0
        self._series_seen: Engine | None = None
        self._series_between: set[int] = set()
        """Series that were written since then."""
        self._problems: dict[str, str] = {}

    @property
    def engine(self) -> Engine | None:
        """The alarms as they were at the last look; None before the first."""
        return self._engine

    @property
    def facts(self) -> dict[str, float | str | None]:
        """Facts about kado itself, as they were last published."""
        return self._facts.latest

    @property
    def reads_figures(self) -> bool:
        """Whether a rule reads a figure."""
        return any("figure:" in leaf for leaf in _series_of(self._rules))

    def request_reload(self) -> None:
        """Read the rules again with the next look; a file that does not load keeps the old ones, and says so."""
        self._reload = True
        self._wakened()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()

        def wakened() -> None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(wake.set)

        self._wakened = wakened
        try:
            while True:
                await loop.run_in_executor(self._executor, self.look)
                await asyncio.sleep(PAUSE_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY_S):
                        await wake.wait()
                wake.clear()
        finally:
            await loop.run_in_executor(self._executor, self._stop)
            await asyncio.to_thread(self._executor.shutdown)

    # Everything below runs in the thread of the alarms.

    def look(self) -> None:
        """Decide what can be decided now; errors of disk and journal are logged when they change."""
        began = time.perf_counter()
        try:
            engine = self._engine if self._engine is not None else self._start()
            self._decide(engine)
        except KadoError as error:
            self._failed("alarms", error)
        else:
            self._problems.pop("alarms", None)
            self._copy()
        self.counts.ticks.observe(time.perf_counter() - began)

    def _start(self) -> Engine:
        """Go on from what was kept, with the hole since then; or begin."""
        configuration, now = self._configuration, self._clock()
        at = now - self._settle_ns
        if self._file is None:
            kind = configuration.store.kind
            self._file = AlarmStateFile.open(configuration.data_dir, configuration.profile.id, kind, now)
        journal = self._opened_journal()
        self._watch = JournalWatch(configuration)
        self._learn()
        rows = self._file.read()
        self._read_service(rows)
        engine = self._kept_engine(rows)
        journal.add_rules(self._rules.fingerprint, self._rules.text)
        recent = journal.transitions(now - INTERVAL_NS, None)
        self.counts.remember(recent)
        if self.outbox is not None:
            self.outbox.remember(recent)
        watches: list[Watch] = []
        if engine is None:
            self._copy()
            engine = _numbered(begin(self._rules, at), journal)
            if not self._last_action:
                # What was recorded before anything was watched is over.
                self._last_action = max((a.id for a in journal.actions()), default=0)
            self._kept = Feed(batches=self._newest())
        else:
            watches.append(Watch("hole", engine.position_ns, max(at, engine.position_ns)))
            reload = self._rules if engine.rules != self._rules else None
            feed = Feed(batches=self._newest(), plan=self._plan, limits=self._limits, rules=reload)
            engine, _ = resume(engine, feed, at)
        watches.append(Watch("start", at, at))
        self._file.commit(
            {**to_rows(engine), SERVICE: self._service_row()},
            _gone(rows, engine),
            [("watch", watch_row(w)) for w in watches],
        )
        self._engine = engine
        return engine

    def _kept_engine(self, rows: Mapping[str, str]) -> Engine | None:
        if ENGINE not in rows:
            return None
        try:
            return from_rows(rows, self._table)
        except (AlarmRuleError, KeyError, ValueError) as error:
            _LOG.error("the state of the alarms cannot be read, they start again: %s", error)
            return None

    def _decide(self, engine: Engine) -> None:
        now = self._clock()
        until = now - self._settle_ns
        feed = self._feed(now, engine)
        try:
            if until < engine.position_ns - BACK_NS:
                decided, outcome = resume(engine, feed, until)
                watches = [Watch("clock", until, engine.position_ns)]
            else:
                decided, outcome = advance(engine, feed, until)
                watches = list[Watch]()
            self._commit(engine, decided, outcome, watches)
        except BaseException:
            self._kept = replace(feed, facts=(), actions=feed.actions)
            raise
        self._kept = Feed()
        self._engine = decided
        self.counts.count(outcome, decided.position_ns)
        if outcome.transitions:
            for listener in self.listeners:
                listener.changed(outcome.transitions, decided)

    def _feed(self, now: int, engine: Engine) -> Feed:
        batches, overflowed = self.inbox.take()
        if overflowed:
            batches += self._newest()
        if (self._watch is not None and self._watch.look()) or now > self._limits_end_ns:
            self._learn()
        rules = self._kept.rules
        if self._reload:
            self._reload = False
            rules = self._read_rules(now, engine) or rules
        actions = self._opened_journal().actions(after_id=self._last_action)
        self._last_action = max((a.id for a in actions), default=self._last_action)
        return Feed(
            batches=(*self._kept.batches, *batches),
            facts=tuple(self._facts.due(now, engine)),
            plan=self._plan,
            limits=self._limits,
            actions=(*self._kept.actions, *actions),
            rules=rules,
        )

    def _read_rules(self, now: int, engine: Engine) -> AlarmRules | None:
        count = self._reloaded.get("count", 0)
        count = count + 1 if isinstance(count, int) else 1
        try:
            rules = load_alarm_rules(self._configuration, self._table)
            self._opened_journal().add_rules(rules.fingerprint, rules.text)
        except KadoError as error:
            _LOG.error("alarm rules are not changed: %s", error)
            self._reloaded = {
                "count": count,
                "at_ns": now,
                "error": str(error),
                "fingerprint": engine.rules.fingerprint,
            }
            return None
        _LOG.info("alarm rules: %d, fingerprint %s", len(rules), rules.fingerprint)
        self._reloaded = {"count": count, "at_ns": now, "error": None, "fingerprint": rules.fingerprint}
        self._rules = rules
        return rules

    def _commit(self, before: Engine, after: Engine, outcome: Outcome, watches: Sequence[Watch]) -> None:
        assert self._file is not None
        changed = {ENGINE: engine_row(after), SERVICE: self._service_row()}
        gone: list[str] = []
        if after.rules is not before.rules:
            rows = to_rows(after)
            gone = _gone(to_rows(before), after)
            changed |= rows
        else:
            changed |= self._changed_rows(before, after)
        fingerprint = after.rules.fingerprint
        outgoing = [("transition", transition_row(t, fingerprint)) for t in outcome.transitions if t.journaled]
        outgoing += [("refusal", refusal_row(r)) for r in outcome.refusals]
        outgoing += [("watch", watch_row(w)) for w in watches]
        rows = [] if self.outbox is None else self.outbox.rows(outcome.transitions, before, after, self._clock())
        self.counts.notifications_dropped += self._file.commit(changed, gone, outgoing, rows)

    def _changed_rows(self, before: Engine, after: Engine) -> dict[str, str]:
        program, changed = after.program, dict[str, str]()
        looked_at: set[int] = set()
        for i, rule in enumerate(program.rules):
            leaves = program.leaves_of_alarm[i]
            same = after.records[i] is before.records[i] and all(
                after.memory[k] is before.memory[k] and after.verdicts[k] is before.verdicts[k] for k in leaves
            )
            if not same:
                changed[f"alarm {rule.id}"] = alarm_row(after, i)
            if not same or after.records[i].shown in LISTED_STATES:
                looked_at.update(program.leaves[k].series for k in leaves)
        seen, old, new = self._series_seen, before.holdings, after.holdings
        whole = seen is None or seen.rules is not after.rules or after.position_ns >= self._series_ns
        for i, spec in enumerate(program.series):
            often = whole or i in looked_at
            kept = seen.holdings if often and seen is not None else old
            if not often and spec.kind == "number":
                continue
            same_rules = seen is not None and seen.rules is after.rules
            if same_rules and not (whole and i in self._series_between) and not _differs(kept, new, i):
                continue
            if (text := series_row(after, i)) is not None:
                changed[f"series {spec.name}"] = text
        self._series_between |= looked_at
        if whole:
            self._series_seen, self._series_ns = after, after.position_ns + SERIES_EVERY_NS
            self._series_between = set()
        return changed

    def _copy(self) -> None:
        """Copy rows to the journal, then forget them here."""
        if self._file is None:
            return
        try:
            while rows := self._file.outgoing():
                self._opened_journal().add_rows((row.kind, row.text) for row in rows)
                self._file.forget(rows[-1].id)
        except KadoError as error:
            self._failed("journal of alarms", error)
        else:
            self._problems.pop("journal of alarms", None)

    def _learn(self) -> None:
        """Take plan and limits from the journal as it is now."""
        assert self._watch is not None
        record, now = self._watch.record, self._clock()
        self._plan = resolve(record.versions)
        start, end = now - 2 * NS_PER_DAY, now + 2 * NS_PER_DAY
        self._limits = limit_pieces(self._configuration.profile, self._plan, start, end, reduced_of(record.corrections))
        self._limits_end_ns = now + NS_PER_DAY

    def _newest(self) -> tuple[Batch, ...]:
        """Return the newest sample of each series from the store, as one batch."""
        names = [name for name, spec in self._table.series.items() if spec.kind != "fact"]
        try:
            with open_store(self._configuration) as store:
                return _as_batch(self._configuration.profile.id, store.last(names))
        except KadoError as error:
            self._failed("store", error)
            return ()

    def _opened_journal(self) -> AlarmJournal:
        if self._journal is None:
            self._journal = open_alarm_journal(self._configuration, self._clock)
        return self._journal

    def _read_service(self, rows: Mapping[str, str]) -> None:
        kept = json.loads(rows.get(SERVICE, "{}"))
        self._last_action = kept.get("last_action", 0)
        self._reloaded = kept.get("reload", {"count": 0})

    def _service_row(self) -> str:
        return json.dumps({"last_action": self._last_action, "reload": self._reloaded})

    def _stop(self) -> None:
        """Write everything down, and that watching ends here."""
        try:
            if self._file is not None and self._engine is not None:
                at = self._engine.position_ns
                rows = {**to_rows(self._engine), SERVICE: self._service_row()}
                self._file.commit(rows, (), [("watch", watch_row(Watch("stop", at, at)))])
                self._copy()
        except KadoError as error:
            self._failed("alarms", error)
        finally:
            self.close()

    def close(self) -> None:
        """Close both files and write nothing more; what was committed stays, as after a kill."""
        if self._file is not None:
            self._file.close()
        if self._journal is not None:
            self._journal.close()

    def _failed(self, about: str, error: KadoError) -> None:
        if self._problems.get(about) != str(error):
            _LOG.warning("%s: %s", about, error)
        self._problems[about] = str(error)


def _numbered(engine: Engine, journal: AlarmJournal) -> Engine:
    """Let occurrences and rows go on from what the journal holds, where there is no state any more."""
    highest: dict[str, tuple[int, int]] = {}
    for row in journal.transitions():
        occurrence, seq = highest.get(row.alarm, (0, 0))
        highest[row.alarm] = (max(occurrence, row.occurrence), max(seq, row.seq))
    records = list(engine.records)
    for i, rule in enumerate(engine.program.rules):
        if rule.id in highest:
            occurrence, seq = highest.pop(rule.id)
            records[i] = replace(records[i], occurrence=occurrence, seq=seq)
    return replace(engine, records=records, retired=highest)


def _gone(rows: Mapping[str, str], engine: Engine) -> list[str]:
    kept = {f"alarm {rule.id}" for rule in engine.program.rules}
    kept |= {f"series {spec.name}" for spec in engine.program.series} | {ENGINE, RULES, SERVICE}
    return [name for name in rows if name not in kept]


def _differs(old: object, new: object, i: int) -> bool:
    names = ("stamp", "value", "ok", "good", "older", "newest", "due")
    return any(getattr(old, name)[i] != getattr(new, name)[i] for name in names)


def _series_of(rules: AlarmRules) -> set[str]:
    return {leaf.series for rule in rules.rules for leaf in leaves(rule.when)}


def _as_batch(facility: str, last: Mapping[str, LastValue]) -> tuple[Batch, ...]:
    if not last:
        return ()
    words = tuple(dict.fromkeys(v.state for v in last.values() if v.state is not None))
    code = {word: i for i, word in enumerate(words)}
    batch = Batch.build(
        facility,
        tuple(last),
        list(range(len(last))),
        [v.time_ns for v in last.values()],
        value=[v.value for v in last.values()],
        state=[NO_WORD if v.state is None else code[v.state] for v in last.values()],
        quality=[v.quality for v in last.values()],
        words=words,
    )
    return (batch,)
