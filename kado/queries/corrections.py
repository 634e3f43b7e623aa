"""Corrections, those withdrawn too, as known on a date."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from facility.corrections import Confirmation, Correction, Withdrawal
from facility.profile import Profile
from facility.time import format_time, parse_time
from kado.config import Configuration
from kado.journal import has_journal, open_journal
from kado.queries.identity import identity


@dataclass(frozen=True, slots=True)
class RecordedCorrection:
    """A correction as the record shows it."""

    correction: Correction
    withdrawal: Withdrawal | None = None
    """None while it holds."""
    confirmation: Confirmation | None = None
    """By a second person; None where there is none, or none is needed."""
    awaiting: bool = False
    """Whether it does not count yet, because a second person has to confirm it."""


def load_corrections(configuration: Configuration, as_known_on: str | None = None) -> list[RecordedCorrection]:
    """Return all corrections with their withdrawals in the order recorded, as known on a date (ISO 8601)."""
    known_on_ns = None if as_known_on is None else parse_time(as_known_on)

    def known(recorded_at_ns: int) -> bool:
        return known_on_ns is None or recorded_at_ns <= known_on_ns

    if not has_journal(configuration):
        return []
    with open_journal(configuration) as journal:
        corrections, withdrawals = journal.corrections(), journal.withdrawals()
        confirmations = journal.confirmations()
        awaiting = {c.id for c in journal.corrections_by_standing(known_on_ns)[1]}
    withdrawn = {w.correction_id: w for w in withdrawals if known(w.recorded_at_ns)}
    confirmed = {c.correction_id: c for c in confirmations if known(c.recorded_at_ns)}
    return [
        RecordedCorrection(c, withdrawn.get(c.id), confirmed.get(c.id), c.id in awaiting)
        for c in corrections
        if known(c.recorded_at_ns)
    ]


def corrections_document(profile: Profile, listed: Sequence[RecordedCorrection]) -> dict[str, Any]:
    """Return the corrections for programs."""
    return {
        **identity(profile),
        "corrections": [correction_document(profile, said) for said in listed],
    }


def correction_document(profile: Profile, said: RecordedCorrection) -> dict[str, Any]:
    """Return one correction for programs."""
    c, w, zone = said.correction, said.withdrawal, profile.zone
    confirmed = said.confirmation
    return {
        "id": c.id,
        "assertion": c.assertion.value,
        "start": format_time(c.start_ns, zone),
        "end": format_time(c.end_ns, zone),
        "category": None if c.category is None else c.category.value,
        "limit": c.limit,
        "author": c.author,
        "reason": c.reason,
        "evidence": c.evidence,
        "recorded_at": format_time(c.recorded_at_ns, zone),
        "withdrawn": None
        if w is None
        else {"author": w.author, "reason": w.reason, "recorded_at": format_time(w.recorded_at_ns, zone)},
        "awaiting_confirmation": said.awaiting,
        "confirmed": None
        if confirmed is None
        else {
            "author": confirmed.author,
            "remark": confirmed.remark,
            "recorded_at": format_time(confirmed.recorded_at_ns, zone),
        },
    }
