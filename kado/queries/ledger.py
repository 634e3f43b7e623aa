"""The ledger for programs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from collector.ledger import Ledger
from facility.profile import Profile
from kado.language.terms import LEDGER
from kado.queries.identity import identity
from storage.telemetry_db.counters import Entry

_WITH_CAUSE: Final = (Entry.REJECTED, Entry.DROPPED, Entry.LOST)


def ledger_document(profile: Profile, ledger: Ledger, differences: Sequence[str] | None) -> dict[str, Any]:
    """Return the same for programs; ``differences`` is None where the store was not counted."""
    sources = [
        {"source": t.source, **{name: getattr(t, name) for name in (*LEDGER, "rewritten", "conflict")}}
        for t in ledger.sources()
    ]
    return {
        **identity(profile),
        "store": ledger.store_kind,
        "sources": sources,
        "causes": [{"entry": e.value, "cause": cause, "count": n} for (e, cause), n in causes_of(ledger)],
        "deleted": ledger.total(Entry.DELETED),
        "problems": list(ledger.problems),
        "verified": differences is not None,
        "differences": None if differences is None else list(differences),
    }


def causes_of(ledger: Ledger) -> list[tuple[tuple[Entry, str], int]]:
    """Return how many samples each cause kept out of the store, the most frequent first."""
    causes: Counter[tuple[Entry, str]] = Counter()
    for row in ledger.rows:
        if row.entry in _WITH_CAUSE:
            causes[row.entry, row.cause] += row.count
    return causes.most_common()
