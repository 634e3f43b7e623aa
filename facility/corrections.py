"""What a person asserts about an interval of time, against or beyond the samples.

Corrections are append-only: one withdraws another, none is edited. They override the samples before events
are found, so neither a new calculation nor late data orphans them.
"""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from facility.errors import CorrectionError
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, format_second
from facility.written_text import LONGEST_EVIDENCE, check_line, check_text

LONGEST_CORRECTION_NS: Final = 3_653 * NS_PER_DAY
"""Ten years: a longer one is a mistyped year, and what it changes takes minutes to show."""


class Assertion(StrEnum):
    """What the correction states about the interval."""

    UP = "up"
    """The beam was at nominal."""
    DOWN = "down"
    """There was no beam."""
    UNKNOWN = "unknown"
    """Nothing is known, whatever the samples say."""
    SENSOR_FAULT = "sensor-fault"
    """The delivery signal's samples are bad."""
    SENSOR_SOUND = "sensor-sound"
    """The delivery signal's samples are right although the witness disagrees."""
    EXCLUDED = "excluded"
    """Down for a reason outside the facility; still down, and listed apart."""
    REDUCED = "reduced"
    """A lower delivery was accepted: the limits are lowered."""
    ONE_EVENT = "one-event"
    """The outages that touch the interval are one."""
    SEPARATE = "separate"
    """The outages inside the interval are not merged with each other."""


class Exclusion(StrEnum):
    """Reasons outside the facility."""

    GRID = "grid"
    EARTHQUAKE = "earthquake"
    WEATHER = "weather"


BEAM_ASSERTIONS = (Assertion.UP, Assertion.DOWN, Assertion.UNKNOWN, Assertion.SENSOR_FAULT)
"""Say what the beam or its signal did: two of them cannot cover the same instant."""

CONFIRMED_BY_A_SECOND_PERSON: Final = frozenset({Assertion.EXCLUDED})
"""Counts in figures only after a person other than its author has confirmed it."""

_CONTRADICTIONS = (
    BEAM_ASSERTIONS,
    (Assertion.ONE_EVENT, Assertion.SEPARATE),
    (Assertion.SENSOR_FAULT, Assertion.SENSOR_SOUND),
    (Assertion.EXCLUDED,),
    (Assertion.REDUCED,),
)
"""Within each group, overlapping corrections contradict each other."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One assertion, as recorded."""

    id: int
    """Given by the journal; 0 before it is recorded."""
    start_ns: int
    end_ns: int
    assertion: Assertion
    author: str
    reason: str
    recorded_at_ns: int
    evidence: str = ""
    category: Exclusion | None = None
    """Of `Assertion.EXCLUDED`."""
    limit: float | None = None
    """Of `Assertion.REDUCED`: what counts as fully delivered, in the delivery signal's unit."""

    def describe(self, zone: tzinfo | None = None) -> Sentence:
        """Return the correction as people read it in a message, its times in a zone; None: in UTC."""
        return Sentence(
            "#{id} {assertion} {start} to {end}",
            id=self.id,
            assertion=self.assertion,
            start=format_second(self.start_ns, zone),
            end=format_second(self.end_ns, zone),
        )


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A correction taken back; it stays on record."""

    correction_id: int
    author: str
    reason: str
    recorded_at_ns: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A second person agrees with a correction."""

    correction_id: int
    author: str
    """Who confirms; never the author of the correction."""
    remark: str
    recorded_at_ns: int


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: case, spaces and full-width letters make no difference.

    Examples
    --------
    >>> same_person("Sato ", "ＳＡＴＯ")
    True
    """

    def plain(name: str) -> str:
        return " ".join(unicodedata.normalize("NFKC", name).casefold().split())

    return plain(one) == plain(other)


def check_confirmation(
    new: Confirmation, of: Correction, earlier: Confirmation | None, zone: tzinfo | None = None
) -> None:
    """Refuse a confirmation that is not needed, comes twice, or comes from the author.

    Parameters
    ----------
    zone
        Of the times in messages, the facility's; None: UTC.

    Raises
    ------
    CorrectionError
        Naming the correction and the reason.
    """
    if of.assertion not in CONFIRMED_BY_A_SECOND_PERSON:
        raise CorrectionError(
            Sentence(
                "correction {correction} needs no confirmation: only 'excluded' does", correction=of.describe(zone)
            )
        )
    if earlier is not None:
        raise CorrectionError(
            Sentence(
                "correction #{id} was confirmed already, by {author} on {time}",
                id=of.id,
                author=earlier.author,
                time=format_second(earlier.recorded_at_ns, zone),
            )
        )
    if not new.author.strip():
        raise CorrectionError(Sentence("a confirmation needs the name of the person who confirms"))
    check_line(Sentence("the name of the person who confirms"), new.author, CorrectionError)
    check_text(Sentence("the remark"), new.remark, CorrectionError)
    if same_person(new.author, of.author):
        raise CorrectionError(
            Sentence(
                "correction #{id} was recorded by {author}: another person has to confirm it, not {other}",
                id=of.id,
                author=of.author,
                other=new.author,
            )
        )


def check_withdrawal(new: Withdrawal) -> None:
    """Refuse a withdrawal without author or reason.

    Raises
    ------
    CorrectionError
        Naming what is wrong.
    """
    if not new.author.strip() or not new.reason.strip():
        raise CorrectionError(Sentence("a withdrawal needs an author and a reason, as the correction did"))
    check_line(Sentence("the author's name"), new.author, CorrectionError)
    check_text(Sentence("the reason"), new.reason, CorrectionError)


def awaiting_confirmation(
    holding: Iterable[Correction],
    confirmations: Sequence[Confirmation],
    exempt: Collection[int] = (),
    as_known_on_ns: int | None = None,
) -> tuple[Correction, ...]:
    """Return the corrections that do not count yet, because no second person has confirmed them.

    Parameters
    ----------
    holding
        Corrections in force.
    exempt
        Ids of corrections that were recorded before confirmations were asked for; they count without.
    as_known_on_ns
        Leave out confirmations that were recorded after this instant; None: none.
    """
    confirmed = {c.correction_id for c in confirmations if as_known_on_ns is None or c.recorded_at_ns <= as_known_on_ns}
    return tuple(
        c
        for c in holding
        if c.assertion in CONFIRMED_BY_A_SECOND_PERSON and c.id not in confirmed and c.id not in exempt
    )


def check_correction(new: Correction, in_force: Sequence[Correction], zone: tzinfo | None = None) -> None:
    """Refuse a correction that says nothing, or repeats or contradicts one in force.

    Parameters
    ----------
    zone
        Of the times in messages, the facility's; None: UTC.

    Raises
    ------
    CorrectionError
        Naming the correction, or both of those that contradict each other.
    """
    if new.end_ns <= new.start_ns:
        raise CorrectionError(
            Sentence(
                "a correction must end after its start: {start} to {end}",
                start=format_second(new.start_ns, zone),
                end=format_second(new.end_ns, zone),
            )
        )
    if new.end_ns - new.start_ns > LONGEST_CORRECTION_NS:
        raise CorrectionError(
            Sentence(
                "{start} to {end} is longer than ten years, the most that one correction may state: check the year, or"
                " record it in parts",
                start=format_second(new.start_ns, zone),
                end=format_second(new.end_ns, zone),
            )
        )
    if not new.author.strip() or not new.reason.strip():
        raise CorrectionError(Sentence("a correction needs an author and a reason, for those who question it later"))
    check_line(Sentence("the author's name"), new.author, CorrectionError)
    check_text(Sentence("the reason"), new.reason, CorrectionError)
    check_text(Sentence("the evidence"), new.evidence, CorrectionError, longest=LONGEST_EVIDENCE)
    if (new.category is None) == (new.assertion is Assertion.EXCLUDED):
        raise CorrectionError(
            Sentence(
                "'excluded' needs a category ({categories}); other corrections take none",
                categories=", ".join(e.value for e in Exclusion),
            )
        )
    if (new.limit is None) == (new.assertion is Assertion.REDUCED):
        raise CorrectionError(
            Sentence("'reduced' needs the limit that counted as full delivery; other corrections take none")
        )
    if new.limit is not None and not new.limit > 0:
        raise CorrectionError(Sentence("the limit of 'reduced' is {limit}: it must be above 0", limit=new.limit))
    for other in in_force:
        if (other.assertion, other.start_ns, other.end_ns, other.category, other.limit) == (
            new.assertion,
            new.start_ns,
            new.end_ns,
            new.category,
            new.limit,
        ):
            raise CorrectionError(
                Sentence(
                    "{other} by {author} is in force and states the same: nothing new to record",
                    other=other.describe(zone),
                    author=other.author,
                )
            )
        overlap = new.start_ns < other.end_ns and other.start_ns < new.end_ns
        if overlap and any(new.assertion in group and other.assertion in group for group in _CONTRADICTIONS):
            start, end = format_second(new.start_ns, zone), format_second(new.end_ns, zone)
            values = {"assertion": new.assertion, "start": start, "end": end, "other": other.describe(zone)}
            if new.assertion is other.assertion:
                raise CorrectionError(
                    Sentence(
                        "{assertion} {start} to {end} overlaps {other} by {author}: withdraw that one first, or choose"
                        " another interval",
                        **values,
                        author=other.author,
                    )
                )
            raise CorrectionError(
                Sentence(
                    "{assertion} {start} to {end} contradicts {other} by {author}: withdraw that one first, or choose"
                    " another interval",
                    **values,
                    author=other.author,
                )
            )


def in_force(
    corrections: Sequence[Correction], withdrawals: Sequence[Withdrawal], as_known_on_ns: int | None = None
) -> tuple[Correction, ...]:
    """Return the corrections that hold, in order of start.

    Parameters
    ----------
    as_known_on_ns
        Leave out what was recorded after this instant; None: nothing.
    """

    def known(recorded_at_ns: int) -> bool:
        return as_known_on_ns is None or recorded_at_ns <= as_known_on_ns

    withdrawn = {w.correction_id for w in withdrawals if known(w.recorded_at_ns)}
    kept = (c for c in corrections if known(c.recorded_at_ns) and c.id not in withdrawn)
    return tuple(sorted(kept, key=lambda c: (c.start_ns, c.id)))
