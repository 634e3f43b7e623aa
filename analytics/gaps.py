"""What unknown time could hide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analytics.availability import assess
from analytics.evidence import Evidence
from analytics.explain import Segment
from facility.corrections import BEAM_ASSERTIONS, Assertion, Correction
from facility.definition import Definition
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan


@dataclass(frozen=True, slots=True)
class Gap:
    """One unknown interval of user time."""

    segment: Segment
    downtime_ns: int
    """By how much downtime would grow if there had been no beam in this interval alone; by merging, or where the
    beam came back only in part, that may be more than the interval itself."""
    failures: int
    """By how much the number of failures would change."""


def find_gaps(
    segments: Sequence[Segment], evidence: Evidence, profile: Profile, definition: Definition, plan: Plan, part: Period
) -> tuple[Gap, ...]:
    """List the unknown intervals among `segments`, each with what it could hide by itself.

    Their lengths add up to the account of unknown time. What they could hide does not add up to the distance of
    the bounds: two gaps that could each be an outage may be one outage together.
    """
    # Neither further signals nor the machine's mode move downtime or failures, and each gap assesses the period again.
    evidence = replace(evidence, further={}, mode=None)
    now = assess(evidence, profile, definition, plan, part, part, bounds=False)
    gaps: list[Gap] = []
    for segment in segments:
        if segment.account != "unknown":
            continue
        without_beam = replace(evidence, corrections=_with_stated_down(evidence.corrections, segment))
        then = assess(without_beam, profile, definition, plan, part, part, bounds=False)
        gaps.append(
            Gap(segment, then.accounts.no_beam - now.accounts.no_beam, then.counts.failures - now.counts.failures)
        )
    return tuple(gaps)


def _with_stated_down(corrections: Sequence[Correction], segment: Segment) -> list[Correction]:
    """Return the corrections with `segment` stated as down, other statements on the beam there removed."""
    start, end = segment.start_ns, segment.end_ns
    kept: list[Correction] = []
    for c in corrections:
        if c.assertion not in BEAM_ASSERTIONS:
            kept.append(c)
            continue
        pieces = [(c.start_ns, min(c.end_ns, start)), (max(c.start_ns, end), c.end_ns)]
        kept += [replace(c, start_ns=a, end_ns=b) for a, b in pieces if a < b]
    return [*kept, Correction(0, start, end, Assertion.DOWN, "kado", "what if", 0)]
