"""How things stand, read beside the service from what it has made durable."""

import math
from dataclasses import dataclass
from typing import Any

from collector.ledger import SourceTotals, read_ledger
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Block
from facility.signals import link_signal
from facility.time import format_time
from kado.config import Configuration
from kado.queries.drafts import Draft, draft_document, newest_draft
from kado.queries.identity import identity
from kado.queries.outlook import Outlook, load_outlook, outlook_document
from kado.queries.page_state import PageState, load_page_state, page_document
from kado.queries.record import load_plan
from kado.stores import open_store, running_pid
from storage.store import LastValue


@dataclass(frozen=True, slots=True)
class Standing:
    """One look at everything."""

    profile: Profile
    now_ns: int
    pid: str | None
    """Of the kado that runs on the data directory; None: none does."""
    store: str
    """``embedded`` or ``influxdb``."""
    newest: dict[str, LastValue | None]
    """Each signal's newest sample."""
    links: dict[str, LastValue | None]
    """Each configured source's newest word of its link."""
    block: Block | None
    """What is planned now."""
    totals: tuple[SourceTotals, ...]
    problems: tuple[str, ...]
    """Of the ledger: acknowledged samples that are lost, sums that differ."""
    outlook: Outlook
    """What is kept, and how long the disk will last."""
    draft: Draft | None
    """Of the newest monthly report that the service made."""
    page: PageState | None = None
    """Of the running service; None: it serves none."""


def load_standing(configuration: Configuration, now_ns: int) -> Standing:
    """Look at store, journal and ledger.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    UnreachableError
        If the store does not answer.
    """
    profile = configuration.profile
    signals = [signal.id for signal in profile.signals]
    sources = [source.id for source in configuration.sources]
    ledger = read_ledger(configuration.data_dir)
    pid = running_pid(configuration)
    with open_store(configuration) as store:
        last = store.last([*signals, *map(link_signal, sources)])
    return Standing(
        profile=profile,
        now_ns=now_ns,
        pid=pid,
        store=configuration.store.kind,
        newest={signal: last.get(signal) for signal in signals},
        links={source: last.get(link_signal(source)) for source in sources},
        block=load_plan(configuration).block_at(now_ns),
        totals=ledger.sources(),
        problems=ledger.problems,
        outlook=load_outlook(configuration, now_ns),
        draft=newest_draft(configuration),
        page=None if pid is None else load_page_state(configuration),
    )


def status_document(standing: Standing) -> dict[str, Any]:
    """Return the same for programs."""
    zone, block = standing.profile.zone, standing.block
    planned = None
    if block is not None:
        planned = {"category": block.category.value, "until": format_time(block.end_ns, zone)}
    return {
        **identity(standing.profile),
        "time": format_time(standing.now_ns, zone),
        "running_pid": None if standing.pid is None else int(standing.pid),
        "store": standing.store,
        "planned": planned,
        "links": {source: _document(word, zone) for source, word in standing.links.items()},
        "signals": {signal: _document(newest, zone) for signal, newest in standing.newest.items()},
        "ledger": {n: total_of(standing, n) for n in ("received", "stored", "waiting", "rejected", "dropped", "lost")},
        "problems": list(standing.problems),
        "outlook": outlook_document(standing.profile, standing.outlook, standing.now_ns),
        "report_draft": None if standing.draft is None else draft_document(standing.draft, zone),
        "page": page_document(standing.page),
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
