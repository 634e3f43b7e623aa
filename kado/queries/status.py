"""How things stand, read beside the service from what it has made durable."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from analytics.limits_age import LimitWarning
from collector.ledger import SourceTotals, read_ledger
from facility.corrections import Correction
from facility.definition import Definition, load_definition
from facility.errors import KadoError, UnreachableError
from facility.period import month_of
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Block, resolve
from facility.signals import link_signal
from facility.time import format_time, to_s
from kado.config import Configuration
from kado.journal import journal_problem
from kado.language import in_language
from kado.queries.beam import LOOK_NS, Verdict, find_verdict, since_document
from kado.queries.corrections import RecordedCorrection, correction_document
from kado.queries.drafts import Draft, draft_document, newest_draft
from kado.queries.evidence import Read, credible_extent
from kado.queries.identity import identity
from kado.queries.outlook import Outlook, load_outlook, outlook_document
from kado.queries.recent_samples import limit_warnings_now
from kado.queries.record import Record, load_record
from kado.queries.running_service import (
    PageState,
    changed_since_start,
    load_page_state,
    load_source_notices,
    page_document,
)
from kado.queries.secret_files import open_secret_files
from kado.queries.waiting import WaitingSamples, read_waiting
from kado.queries.warning_words import limit_words
from kado.stores import open_store, running_pid
from storage.store import LastValue

PATIENCE_S: Final = 2.0
"""So long an answer of the store is waited for; then what is known without it is shown."""


@dataclass(frozen=True, slots=True)
class FromStore:
    """What is asked of the store; where it does not answer, from the samples that wait for it here."""

    last: dict[str, LastValue]
    """The newest sample of each signal that has one."""
    verdict: Verdict | None
    """None: there is no sample of the delivery signal."""
    warnings: tuple[LimitWarning, ...]
    """What speaks against the limits."""
    problem: str = ""
    """Why the store was not asked; empty: it was."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One look at everything."""

    profile: Profile
    definition: Definition
    now_ns: int
    pid: str | None
    """Of the kado that runs on the data directory; None: none does."""
    store: str
    """``embedded`` or ``influxdb``."""
    found: FromStore
    newest: dict[str, LastValue | None]
    """Each signal's newest sample."""
    links: dict[str, LastValue | None]
    """Each configured source's newest word of its link."""
    block: Block | None
    """What is planned now."""
    totals: tuple[SourceTotals, ...]
    problems: tuple[str, ...]
    """Acknowledged samples or records of the journal that are lost, sums of the ledger that differ."""
    outlook: Outlook
    """What is kept, and how long the disk will last."""
    draft: Draft | None
    """Of the newest monthly report that the service made."""
    page: PageState | None = None
    """Of the running service; None: it serves none."""
    corrections: tuple[Correction, ...] = ()
    """Those in force that touch the running month."""
    changed: tuple[str, ...] = field(default=())
    """Tables of kado.toml that were changed since the running service read them."""
    notices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """What the present connection of each source does not promise; of those sources that have some."""
    open_secrets: tuple[Path, ...] = ()
    """Files of passwords and tokens that other users of this machine can read."""


def load_standing(configuration: Configuration, now_ns: int, *, patience_s: float = PATIENCE_S) -> Standing:
    """Look at store, journal and ledger; a store that does not answer in time is left out.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    """
    profile = configuration.profile
    ledger = read_ledger(configuration.data_dir)
    pid = running_pid(configuration)
    record = load_record(configuration)
    definition = load_definition(profile.definition, configuration.folder)
    look = _Look(configuration, definition, record, now_ns)
    try:
        found = look.at_store(patience_s)
    except UnreachableError as error:
        found = look.at_what_waits(str(error))
    month = month_of(now_ns, profile.zone)
    return Standing(
        profile=profile,
        definition=definition,
        now_ns=now_ns,
        pid=pid,
        store=configuration.store.kind,
        found=found,
        newest={signal.id: found.last.get(signal.id) for signal in profile.signals},
        links={source.id: found.last.get(link_signal(source.id)) for source in configuration.sources},
        block=resolve(record.versions).block_at(now_ns),
        totals=ledger.sources(),
        problems=(*ledger.problems, *filter(None, [journal_problem(configuration)])),
        outlook=load_outlook(configuration, now_ns),
        draft=newest_draft(configuration),
        page=None if pid is None else load_page_state(configuration),
        corrections=tuple(c for c in record.corrections if c.start_ns < month.end_ns and month.start_ns < c.end_ns),
        changed=changed_since_start(configuration),
        notices=load_source_notices(configuration, pid),
        open_secrets=tuple(open_secret_files(configuration)),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at samples, wherever they are."""

    configuration: Configuration
    definition: Definition
    record: Record
    now_ns: int

    def at_store(self, patience_s: float) -> FromStore:
        """Ask the store."""
        profile = self.configuration.profile
        with open_store(self.configuration, patience_s=patience_s) as store:
            last = store.last(self._signals())
            verdict = self._verdict(store.read, credible_extent(store, profile, profile.delivery_signal))
            return FromStore(last, verdict, limit_warnings_now(profile, store.read, self.now_ns))

    def at_what_waits(self, problem: str) -> FromStore:
        """Look at the samples that wait for the store."""
        profile = self.configuration.profile
        try:
            waiting = read_waiting(self.configuration, self.now_ns - LOOK_NS)
        except KadoError:
            waiting = WaitingSamples(profile.id, [])
        verdict = self._verdict(waiting.read, waiting.extent(profile.delivery_signal))
        warnings = limit_warnings_now(profile, None, self.now_ns)
        return FromStore(waiting.last(self._signals()), verdict, warnings, problem)

    def _signals(self) -> list[str]:
        sources = [link_signal(source.id) for source in self.configuration.sources]
        return [*(signal.id for signal in self.configuration.profile.signals), *sources]

    def _verdict(self, read: Read, extent: tuple[int, int] | None) -> Verdict | None:
        if extent is None:
            return None
        plan = resolve(self.record.versions, notice_ns=self.definition.notice_ns)
        return find_verdict(
            self.configuration, read, extent, self.definition, plan, self.record.corrections, self.now_ns
        )


def status_document(standing: Standing) -> dict[str, Any]:
    """Return the same for programs."""
    profile = standing.profile
    zone, block = profile.zone, standing.block
    planned = None
    if block is not None:
        planned = {"category": block.category.value, "until": format_time(block.end_ns, zone)}
    with in_language("en"):
        warnings = [limit_words(warning) for warning in standing.found.warnings]
    return {
        **identity(profile),
        "time": format_time(standing.now_ns, zone),
        "running_pid": None if standing.pid is None else int(standing.pid),
        "configuration_changed": list(standing.changed),
        "store": standing.store,
        "store_problem": standing.found.problem or None,
        "beam": _beam_document(standing),
        "planned": planned,
        "links": {source: _document(word, zone) for source, word in standing.links.items()},
        "signals": {signal: _document(newest, zone) for signal, newest in standing.newest.items()},
        "ledger": {n: total_of(standing, n) for n in ("received", "stored", "waiting", "rejected", "dropped", "lost")},
        "problems": list(standing.problems),
        "warnings": warnings,
        "notices": {source: list(texts) for source, texts in standing.notices.items()},
        "open_secret_files": [str(path) for path in standing.open_secrets],
        "corrections": [correction_document(profile, RecordedCorrection(c)) for c in standing.corrections],
        "outlook": outlook_document(profile, standing.outlook, standing.now_ns),
        "report_draft": None if standing.draft is None else draft_document(standing.draft, zone),
        "page": page_document(standing.page),
    }


def _beam_document(standing: Standing) -> dict[str, Any] | None:
    verdict, zone = standing.found.verdict, standing.profile.zone
    if verdict is None:
        return None
    event = None
    if verdict.event is not None:
        e = verdict.event
        event = {
            "id": e.id(standing.profile.id),
            "kind": e.kind.value,
            "start": format_time(e.start_ns, zone),
            "user_time_s": to_s(e.user_time.total),
        }
    return {
        "state": verdict.state.value,
        **since_document(verdict.since_ns, zone, after_unknown=verdict.after_unknown),
        "definition": standing.definition.id,
        "event": event,
    }


def _document(newest: LastValue | None, zone: Any) -> dict[str, Any] | None:
    if newest is None:
        return None
    value = newest.state if newest.state is not None else None if math.isnan(newest.value) else newest.value
    quality = Quality(newest.quality).word
    return {"time": format_time(newest.time_ns, zone), "value": value, "quality": quality}


def total_of(standing: Standing, name: str) -> int:
    """Return a term of the ledger, summed over all sources."""
    return sum(getattr(t, name) for t in standing.totals)
