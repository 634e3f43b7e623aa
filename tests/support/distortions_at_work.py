"""Which rules of distortions had something to decide in a generated case, judged from its reference."""

from collections.abc import Mapping

from generated_cases import Case
from reference_accounting import Reference
from reference_distortions import BeamReference, DistortionReference


def references(case: Case, slow: Reference) -> dict[str, DistortionReference]:
    """Return the reference of each distortion that the definition of a case counts."""
    counted = [d for d in case.profile.distortions if case.definition.counts(d.id)]
    beam = BeamReference(slow) if counted else None
    found: dict[str, DistortionReference] = {}
    for d in counted:
        series = case.beside["further"].get(d.signal)
        samples, cuts = (None, []) if series is None else (series.samples, series.cuts.tolist())
        assert beam is not None
        found[d.id] = DistortionReference(slow, beam, d, samples, cuts)
    return found


def distortions_at_work(case: Case, slow: Reference, further: Mapping[str, DistortionReference]) -> dict[str, bool]:
    """Return for each rule whether it decided something in user time, for any of the case's further signals."""
    decided: dict[str, bool] = {}
    if case.profile.distortions:
        decided["distortions that the definition does not count"] = not all(
            case.definition.counts(d.id) for d in case.profile.distortions
        )
    for reference in further.values():
        for rule, did in _of_one(reference, slow).items():
            decided[rule] = decided.get(rule, False) or did
    return decided


def _of_one(r: DistortionReference, slow: Reference) -> dict[str, bool]:
    first, last = slow.period
    disturbed = [d for d in r.found if d.time]
    counted = [d for d in disturbed if d.outcome == "counted"]
    became = {r.became(d) for d in disturbed}
    ends = {k for k in range(1, slow.n) if r.known[k - 1] and not r.known[k] and r.beam[k - 1]}
    stale = r.signal.stale_after_ns
    low = [k for k, s in enumerate(slow.judged[0]) if s == "low"]
    return {
        "a distortion": bool(counted),
        "a distortion of a state": r.signal.type == "state" and bool(counted),
        "a distortion below a limit": r.what.below is not None and bool(counted),
        "a distortion goes on until its own end limit": any(r.good.get(k) == 1 for d in counted for k in d.time),
        "too short to be a distortion": any(d.outcome == "too short" for d in disturbed),
        "shorter than the delay of a distortion": any(r.beam[k] for k in r.nothing if k >= 0),
        "a distortion of too few samples": r.signal.min_samples > 1 and any(r.beam[k] for k in r.nothing if k >= 0),
        "a distortion led into no-beam": "no-beam" in became,
        "a distortion led into low-beam": "low-beam" in became,
        "a distortion led into no-beam that does not count": any(d.cut_short_by is not None for d in counted),
        "a distortion begins in low-beam": any(d.start in low for d in counted),
        "a distortion is there when the beam is back": any(
            k in r.without_beam for d in counted for k in range(d.start - 6, d.start)
        ),
        "a distortion clipped to user time": any(len(d.time) < d.end - d.start for d in counted),
        "a distortion lives through a gap": any(not r.known[k] for d in counted for k in range(max(d.start, 0), d.end)),
        "a distortion with the beam unknown inside": any(
            slow.judged[0][k] == "unknown" and slow.user[k] for d in counted for k in range(max(d.start, 0), d.end)
        ),
        "a further signal goes stale": bool(ends) and stale is not None,
        "a further signal's link is lost": any(k in r.cuts for k in ends),
        "a further signal is not known": any(r.beam[k] and not r.known[k] for k in range(first, last)),
        "a distortion carried over": any(d.time[0] < first < d.time[-1] for d in counted),
        "a distortion still open": any(d.open for d in counted),
    }
