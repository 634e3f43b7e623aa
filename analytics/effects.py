"""What a correction changes: a stretch counted with it and without it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from analytics.evidence import Evidence
from analytics.findings import Findings, examine
from facility.corrections import Correction
from facility.definition import Definition
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan


@dataclass(frozen=True, slots=True)
class Effect:
    """By how much something changes the accounts and counts of a stretch of time."""

    delivered_ns: int = 0
    no_beam_ns: int = 0
    unknown_ns: int = 0
    low_beam_ns: int = 0
    excluded_ns: int = 0
    failures: int = 0
    trips: int = 0
    low_beams: int = 0

    @classmethod
    def between(cls, before: Findings, after: Findings) -> "Effect":
        """Return what changes from one to the other; both are of the same stretch."""
        a, b = before.accounts, after.accounts
        return cls(
            delivered_ns=b.delivered - a.delivered,
            no_beam_ns=b.no_beam - a.no_beam,
            unknown_ns=b.unknown - a.unknown,
            low_beam_ns=b.low_beam - a.low_beam,
            excluded_ns=b.excluded - a.excluded,
            failures=after.counted(after.failures) - before.counted(before.failures),
            trips=after.counted(after.trips) - before.counted(before.trips),
            low_beams=after.counted(after.low_beam) - before.counted(before.low_beam),
        )

    @classmethod
    def sum_of(cls, effects: Iterable["Effect"]) -> "Effect":
        """Return the effect on stretches that follow each other together."""
        listed = list(effects)
        return cls(**{f.name: sum(getattr(e, f.name) for e in listed) for f in fields(cls)})

    @property
    def is_nothing(self) -> bool:
        """Whether nothing changes."""
        return self == Effect()


@dataclass(frozen=True, slots=True)
class Counted:
    """A stretch, and by what it is counted."""

    evidence: Evidence
    profile: Profile
    definition: Definition
    plan: Plan
    part: Period

    def with_corrections(self, corrections: Sequence[Correction]) -> Findings:
        """Count it with these corrections in force; bounds and further signals are left out."""
        evidence = replace(self.evidence, corrections=corrections, further={}, mode=None)
        return examine(evidence, self.profile, self.definition, self.plan, self.part, bounds=False)

    def effect_of(self, correction: Correction) -> Effect:
        """Return what a correction in force changes."""
        everything = self.evidence.corrections
        without = [c for c in everything if c is not correction]
        if not (correction.start_ns < self.evidence.end_ns and self.evidence.start_ns < correction.end_ns):
            return Effect()
        return Effect.between(self.with_corrections(without), self.with_corrections(everything))
