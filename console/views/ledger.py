"""The account of every sample."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from rich.console import RenderableType

from collector.causes import Cause
from collector.ledger import Ledger
from console.output import table, title
from console.rounding import count
from facility.profile import Profile
from storage.counters import Entry

_COLUMNS: Final = ("received", "stored", "waiting", "rejected", "dropped")
_WITH_CAUSE: Final = (Entry.REJECTED, Entry.DROPPED, Entry.LOST)


def ledger_table(profile: Profile, ledger: Ledger, differences: Sequence[str] | None) -> list[RenderableType]:
    """Return a row for each source, the causes of what was not stored, and what a check of the store found."""
    lines: list[RenderableType] = [title(profile, "ledger of samples 収支台帳")]
    rows = table(["source"], _COLUMNS)
    for total in ledger.sources():
        rows.add_row(total.source or "(none)", *(count(getattr(total, name)) for name in _COLUMNS))
    if len(ledger.sources()) != 1:
        sums = [sum(getattr(t, name) for t in ledger.sources()) for name in _COLUMNS]
        rows.add_row("all", *map(count, sums))
    lines += [rows, "received = stored + waiting + rejected + dropped"]
    if rewritten := ledger.total(Entry.REWRITTEN):
        conflicts = ledger.total(Entry.CONFLICT)
        lines.append(f"stored again: {count(rewritten)} known already, of which {count(conflicts)} said otherwise")
    if deleted := ledger.total(Entry.DELETED):
        lines.append(f"deleted by retention: {count(deleted)}")
    if causes := _causes(ledger):
        by_cause = table(["", "cause"], ["samples"])
        for (entry, cause), n in causes:
            by_cause.add_row(entry.value, _words(cause), count(n))
        lines += ["", by_cause]
    if differences is not None:
        lines.append("")
        lines += differences or [f"verified: the {ledger.store_kind} store holds what the ledger says"]
    return lines


def ledger_document(profile: Profile, ledger: Ledger, differences: Sequence[str] | None) -> dict[str, Any]:
    """Return the same for programs; ``differences`` is None where the store was not counted."""
    sources = [
        {"source": t.source, **{name: getattr(t, name) for name in (*_COLUMNS, "rewritten", "conflict")}}
        for t in ledger.sources()
    ]
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "store": ledger.store_kind,
        "sources": sources,
        "causes": [{"entry": e.value, "cause": cause, "count": n} for (e, cause), n in _causes(ledger)],
        "deleted": ledger.total(Entry.DELETED),
        "verified": differences is not None,
        "differences": None if differences is None else list(differences),
    }


def _causes(ledger: Ledger) -> list[tuple[tuple[Entry, str], int]]:
    causes: Counter[tuple[Entry, str]] = Counter()
    for row in ledger.rows:
        if row.entry in _WITH_CAUSE:
            causes[row.entry, row.cause] += row.count
    return causes.most_common()


def _words(cause: str) -> str:
    """Return a cause with its meaning; a cause that intake does not name stands for itself."""
    known = {c.value: c.words.en for c in Cause}
    return f"{cause}: {known[cause]}" if cause in known else cause
