"""Generated accounting cases with further signals: an orbit and a feedback that trouble users of a beam."""

from dataclasses import replace
from typing import Any

import numpy as np

from analytics.distortions import Series
from facility.batch import Samples
from facility.profile import Profile
from facility.quality import Quality
from facility.time import NS_PER_S
from generated_cases import WORDS, Case, grid
from made_up_ring import T0, at

LEVELS = np.array([0.0, 5.0, 8.0, 8.5, 9.5, 10.0, 10.5, 15.0, 15.0, 15.0, 15.0, -9.0, -10.5, -15.0])
"""Around every limit, and on it."""


def distorted(case: Case, seed: int) -> Case:
    """Return the case with further signals beside it; in one of six, and where a link goes down, there are none."""
    rng = np.random.default_rng([seed, 3])
    if rng.random() < 1 / 6 or "link_down" in case.beside:
        return case
    length = (case.window[1] - case.window[0]) / NS_PER_S
    orbit: dict[str, Any] = {"id": "orbit", "signal": "orbit_x", "above": 10.0, **_times(rng)}
    orbit |= _pick(rng, {}, {"ends_below": 8.0}, {"ends_below": 8.0}, {"below": -10.0, "ends_below": 8.0})
    feedback = {"id": "feedback", "signal": "feedback", "words": _pick(rng, ["off"], ["off", "weak"]), **_times(rng)}
    signals: list[dict[str, Any]] = [
        {
            "id": "orbit_x",
            "period_s": _pick(rng, 0.5, 1.0, 2.0),
            "stale_after_s": _pick(rng, 3.0, 3.0, 5.0, 10.0),
            "min_samples": _pick(rng, 1, 1, 2, 3),
            "physical_max": _pick(rng, 100.0, None),
        },
        {
            "id": "feedback",
            "type": "state",
            "words": ["on", "off", "weak"],
            "stale_after_s": _pick(rng, None, None, 60.0),
        },
    ]
    document = case.profile.model_dump(by_alias=True)
    document |= {"signal": [*document["signal"], *signals], "distortion": [orbit, feedback]}
    profile = Profile.model_validate(document, strict=False)
    choice = _pick(rng, "all", "all", "all", "all", ("orbit",), ("feedback",), "none")
    further = {
        "orbit_x": Series(_orbit(rng, case, length, profile), _cuts(rng, length)),
        "feedback": Series(_feedback(rng, case, length), _cuts(rng, length)),
    }
    if rng.random() < 0.05:
        del further[_pick(rng, "orbit_x", "feedback")]  # never recorded
    return replace(
        case,
        profile=profile,
        definition=case.definition.model_copy(update={"further_distortions": choice}),
        beside={**case.beside, "further": further},
    )


def _pick(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[rng.integers(len(choices))]


def _times(rng: np.random.Generator) -> dict[str, float]:
    return {"delay_s": _pick(rng, 0.0, 1.5, 3.0, 10.0), "min_length_s": _pick(rng, 0.0, 0.0, 3.0, 10.0)}


def _stretches(rng: np.random.Generator, case: Case, length: float) -> list[tuple[float, float]]:
    """Where it is disturbed: anywhere, and around falls of the current, edges of the calendar and of the period."""
    value = np.where(np.isfinite(case.samples.value), case.samples.value, 200.0)
    times, fell = case.samples.time_ns[1:], np.diff(value) < -5.0
    falls, losses = ([_s(t) for t in times[which].tolist()] for which in (fell, fell & (value[1:] < 5.0)))
    user = [(_s(b.start_ns), _s(b.end_ns)) for b in case.plan.blocks if b.category.is_user_time]
    edges = [t for block in user for t in block]
    starts = [_s(case.period.start_ns)] if case.period.start_ns > case.window[0] else []
    found: list[tuple[float, float]] = []
    for _ in range(int(rng.integers(2, 14))):
        lasts = float(_pick(rng, 2.0, 8.0, 30.0, 200.0)) * rng.exponential()
        places = _pick(rng, falls, falls, edges, starts, starts, [])
        if places:
            start = places[rng.integers(len(places))] - _pick(rng, 0.0, 0.0, 0.5, lasts / 2, lasts / 2, lasts + 1.0)
        else:
            start = rng.random() * length
        found.append((start, start + lasts))
    # From user time up to a loss of beam behind it.
    behind = [(end, fall) for _, end in user for fall in losses if 0 <= fall - end < 300.0]
    for _ in range(3 if behind else 0):
        end, fall = behind[rng.integers(len(behind))]
        found.append((end - float(_pick(rng, 15.0, 30.0)), fall + 1.0))
    return found


def _s(ns: int) -> float:
    return (ns - T0) / NS_PER_S


def _spoken(rng: np.random.Generator, times: Any, disturbed: list[tuple[float, float]], length: float) -> Any:
    """Return which samples came: there are silences anywhere, half of them while it was disturbed."""
    keep = np.ones(len(times), bool)
    for _ in range(int(rng.integers(0, 7))):
        first, last = _pick(rng, (0.0, length), disturbed[rng.integers(len(disturbed))])
        start = first + rng.random() * (last - first)
        keep &= (times < start) | (times >= start + rng.exponential(_pick(rng, 4.0, 20.0, 100.0)))
    return keep


def _orbit(rng: np.random.Generator, case: Case, length: float, profile: Profile) -> Samples:
    period = profile.signal("orbit_x").period_s or 1.0
    times = np.arange(float(_pick(rng, -20.0, 0.0, 0.0, 30.0)), length, period)
    value = np.zeros(len(times))
    disturbed = _stretches(rng, case, length)
    for start, end in disturbed:
        done, steady = start, rng.random() < 0.4
        while done < end:
            until = done + rng.exponential(_pick(rng, 2.0, 20.0, 60.0))
            value[(times >= done) & (times < min(until, end))] = 15.0 if steady else rng.choice(LEVELS)
            done = until
    value[rng.random(len(times)) < 0.004] = rng.choice([np.nan, np.inf, 500.0, 15.0])
    quality = rng.choice([Quality.GOOD, Quality.UNCERTAIN, Quality.BAD], len(times), p=[0.97, 0.02, 0.01])
    reason = np.where(quality == Quality.UNCERTAIN, rng.integers(-1, 2, len(times)), -1)
    keep = _spoken(rng, times, disturbed, length)
    stamps = (T0 + np.round(times * 1e9)).astype(np.int64)
    return Samples.sorted(
        "ring", "orbit_x", stamps[keep], value[keep], quality=quality[keep], reason=reason[keep], words=WORDS
    )


def _feedback(rng: np.random.Generator, case: Case, length: float) -> Samples:
    """Sent on change, at times again, with bad words; some stretches of silence end what a link knew of it."""
    said = {-30.0: 0}
    for start, end in sorted(_stretches(rng, case, length)):
        said |= {grid(start): int(rng.integers(1, 3)), grid(end): 0}
    said |= {grid(t): int(rng.integers(0, 3)) for t in rng.random(int(rng.integers(0, 4))) * length}
    times = np.array(sorted(t for t in said if t < length))
    quality = rng.choice([Quality.GOOD, Quality.BAD], len(times), p=[0.95, 0.05]).astype(np.uint8)
    codes = [said[t] for t in times.tolist()]
    stamps = (T0 + np.round(times * 1e9)).astype(np.int64)
    none = np.full(len(times), np.nan)
    return Samples.sorted("ring", "feedback", stamps, none, quality=quality, state=codes, words=("on", "off", "weak"))


def _cuts(rng: np.random.Generator, length: float) -> Any:
    count = int(rng.choice([0, 0, 1, 3]))
    return np.unique([at(grid(s)) for s in rng.random(count) * length]).astype(np.int64)
