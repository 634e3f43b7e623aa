"""Generated accounting cases: small rings with much trouble, every time on a half-second grid."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facility.batch import Float64, Int64, Samples
from facility.corrections import Assertion, Correction, Exclusion, check_correction
from facility.definition import Definition, EndLimit
from facility.errors import CorrectionError
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Block, Plan, resolve
from facility.time import NS_PER_S
from made_up_ring import SIGNAL, T0, at, ring, rules, span, step, version

LEVELS = np.array([200.0, 199.0, 197.0, 195.0, 192.0, 190.0, 150.0, 60.0, 12.0, 10.0, 9.5, 5.0, 0.0, -0.2])
"""Around every limit, and on it."""
LIKELY = np.array([16, 4, 4, 2, 4, 2, 6, 3, 2, 2, 2, 4, 8, 1]) / 60
Bool = NDArray[np.bool_]
WORDS = ("clock", "HIGH_ALARM")


@dataclass(frozen=True)
class Case:
    """Everything that an availability is computed from."""

    profile: Profile
    definition: Definition
    plan: Plan
    samples: Samples
    period: Period
    window: tuple[int, int]
    cuts: Int64
    beside: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Witness, mode, flags and corrections, as `analytics.availability.availability` takes them."""


def generate(seed: int, *, longest_s: float = 6 * 3600.0, eventful: float = 0.6) -> Case:
    """Return the case of a seed: 2 min to 6 h long, short ones more often, one in a hundred of the full length.

    `eventful` is the share of cases with a witness, flags, corrections and the rules that go with them.
    """
    rng = np.random.default_rng(seed)
    length = grid(120.0 * (longest_s / 120.0) ** (1.0 if seed % 100 == 99 else rng.random() ** 4))
    profile = _profile(rng, length)
    a, b = np.sort(rng.integers(0, 2 * int(length) + 1, 2)) / 2
    plan, definition = _plan(rng, length), _definition(rng)
    more = np.random.default_rng([seed, 1])
    if more_happens := more.random() < eventful:
        profile, definition, plan = _more_rules(more, length, profile, definition, plan)
    rarer = np.random.default_rng([seed, 2])
    profile, definition, plan = _rarer_rules(rarer, length, profile, definition, plan, flags=more_happens)
    part = span(a, b)
    whole = rng.random() < 0.5 or b - a < 1.0 or not any(_overlap(part, block) for block in plan.blocks)
    samples = _samples(rng, length, profile, plan, definition)
    cuts = _cuts(rng, length)
    return Case(
        profile,
        definition,
        plan,
        samples,
        span(0.0, length) if whole else part,
        (at(0.0), at(length)),
        cuts,
        _beside(more, rarer, length, samples, profile, cuts) if more_happens else {},
    )


def _overlap(period: Period, block: Block) -> bool:
    return period.start_ns < block.end_ns and block.start_ns < period.end_ns


def grid(seconds: float) -> float:
    """Return the time on the half-second grid."""
    return round(2 * float(seconds)) / 2


def _pick(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[rng.integers(len(choices))]


def _profile(rng: np.random.Generator, length: float) -> Profile:
    steps = [step(-1e6)]
    when = grid(rng.random() * length)
    if rng.random() < 0.55:
        # Up or down, in force some time later or at once.
        grace_s = _pick(rng, 0.0, 0.0, 30.0, 300.0)
        changed = _pick(
            rng,
            {"nominal": 250.0, "recovered": 245.0, "tolerance": 240.0, "minimum": 12.0},
            {"nominal": 159.0, "recovered": 155.0, "tolerance": 150.0, "minimum": 8.0},
            {"nominal": 300.0, "recovered": 196.0, "tolerance": 191.0, "minimum": 100.0},
        )
        steps.append(step(when, grace_h=grace_s / 3600, **changed))
    if rng.random() < 0.25:
        mode = _pick(rng, "reserve", "study")
        steps.append(step(-1e6, mode, nominal=100.0, recovered=60.0, tolerance=50.0, minimum=5.0))
    period_s = _pick(rng, 0.5, 1.0, 1.0, 2.0)
    signal = {"period_s": period_s, "stale_after_s": _pick(rng, 3.0, 5.0, 10.0, 10.0, 30.0)}
    if rng.random() < 0.2:
        signal = {"period_s": None, "stale_after_s": None}
    return ring(*steps, **signal, min_samples=_pick(rng, 1, 1, 1, 2, 3), physical_max=_pick(rng, 600.0, 600.0, None))


def _definition(rng: np.random.Generator) -> Definition:
    return rules(
        no_beam_ends_at=_pick(rng, *EndLimit),
        min_duration_s=_pick(rng, 3.0, 3.0, 3.0, 1.5, 0.0, 10.0),
        min_samples=_pick(rng, 1, 1, 2),
        merge_gap_s=_pick(rng, 0.0, 0.0, 20.0, 60.0, 600.0, 3600.0),
    )


def _plan(rng: np.random.Generator, length: float) -> Plan:
    count = int(rng.integers(1, 6))
    edges = np.unique([-60.0, length + 60.0, *(grid(x) for x in rng.random(count - 1) * length)])
    kinds = rng.choice(["user", "user", "user", "reserve", "study", "shutdown", ""], len(edges) - 1).tolist()
    kinds[int(rng.integers(len(kinds)))] = "user"
    kinds = [kind or ("shutdown" if rng.random() < 0.5 else "") for kind in kinds]
    blocks = [(a, b, kind) for a, b, kind in zip(edges[:-1].tolist(), edges[1:].tolist(), kinds, strict=True) if kind]
    versions = [version(*blocks)]
    if rng.random() < 0.4:
        # A later version puts a short block in between.
        a, width = grid(rng.random() * length), _pick(rng, 5.0, 10.0, 60.0)
        versions.append(version((a, a + width, _pick(rng, "user", "reserve", "study", "study")), published_s=-5e6))
    return resolve(versions)


def _play_scenes(
    rng: np.random.Generator, times: Float64, value: Float64, keep: Bool, plan: Plan, definition: Definition
) -> None:
    """Lay over the walk what it would seldom do by chance."""

    def level(start: float, seconds: float, current: float) -> None:
        value[(times >= start) & (times < start + seconds)] = current

    start = grid(rng.random() * max(times[-1] - definition.merge_gap_s - 20.0, 30.0))
    if rng.random() < 0.35:  # two outages exactly `merge_gap` apart
        level(start - 5.0, definition.merge_gap_s + 30.0, 200.0)
        level(start, 5.0, 0.0)
        level(start + 5.0 + definition.merge_gap_s, 5.0, 0.0)
    if rng.random() < 0.15:  # an outage that ends in silence
        level(start, 10.0, 0.0)
        level(start + 10.0, 50.0, 200.0)
        keep[(times >= start + 10.0) & (times < start + 50.0)] = False
    for block in plan.blocks:  # trouble around the edges of a block
        first, last = (block.start_ns - T0) / NS_PER_S, (block.end_ns - T0) / NS_PER_S
        if rng.random() < 0.2:
            level(first - 20.0, 22.0, 150.0)
            level(first + 2.0, min(last - first, 6.0) - 3.0, 0.0)
            level(min(last, first + 6.0) - 1.0, 10.0, 200.0)
        if rng.random() < 0.15 and last - first < 100.0:
            level(first - 20.0, last - first + 40.0, 200.0)
            level(first - 8.0, 6.0, 0.0)
            level(last + 2.0, 6.0, 0.0)
        if rng.random() < 0.1 and last - first < 100.0:
            level(first - 8.0, last - first + 16.0, 0.0)


def _samples(rng: np.random.Generator, length: float, profile: Profile, plan: Plan, definition: Definition) -> Samples:
    """A walk over levels, some held long, many for seconds; silences around the staleness limit; bad samples."""
    signal = profile.delivery
    period = signal.period_s or 1.0
    stale = signal.stale_after_s or 10.0
    times = np.arange(grid(rng.choice([0.0, 0.0, 2.5, 40.0])), length, period)
    if rng.random() < 0.5:
        times = times + 0.5 * rng.integers(0, 2, len(times)) * (period > 0.5)
    value, keep, done = np.full(len(times), 200.0), np.ones(len(times), bool), 0
    busy = rng.choice([30.0, 120.0, 600.0])
    while done < len(times):
        span_s = rng.choice([rng.integers(1, 10) / 2, rng.exponential(20.0), rng.exponential(busy)], p=[0.4, 0.3, 0.3])
        until = done + max(1, round(span_s / period))
        value[done:until] = rng.choice(LEVELS, p=LIKELY) if rng.random() < 0.6 else 200.0
        if rng.random() < 0.12:
            quiet = rng.choice([stale - period, stale, stale + 0.5, stale + 2.5, stale + rng.exponential(60.0)])
            keep[until : until + max(1, round(quiet / period))] = False
            until += round(quiet / period)
        done = until
    _play_scenes(rng, times, value, keep, plan, definition)
    quality = rng.choice([Quality.GOOD, Quality.UNCERTAIN, Quality.BAD], len(times), p=[0.98, 0.01, 0.01])
    value[rng.random(len(times)) < 0.003] = rng.choice([np.nan, np.inf, -np.inf, 600.0, 600.5, 9999.0])
    if rng.random() < 0.2:  # a monitor in trouble for some time
        start = int(rng.integers(len(times)))
        quality[start : start + int(40 / period)] = _pick(rng, Quality.BAD, Quality.UNCERTAIN)
    reason = np.where(quality == Quality.UNCERTAIN, rng.integers(-1, 2, len(times)), -1)
    return Samples.sorted(
        "ring",
        SIGNAL,
        (T0 + np.round(times[keep] * 1e9)).astype(np.int64),
        value[keep],
        quality=quality[keep].astype(np.uint8),
        reason=reason[keep].astype(np.int32),
        words=WORDS,
    )


def _cuts(rng: np.random.Generator, length: float) -> Int64:
    """Losses of the link, half of them at instants at which a sample may be stamped."""
    count = int(rng.choice([0, 0, 1, 3]))
    return np.unique([at(grid(s)) for s in rng.random(count) * length]).astype(np.int64)


def _link_down(rng: np.random.Generator, cuts: Int64) -> Intervals:
    """Where the link stays down after it was lost."""
    return Intervals.of((cut, cut + int(_pick(rng, 0, 5, 60, 600)) * NS_PER_S) for cut in cuts.tolist())


def _more_rules(
    rng: np.random.Generator, length: float, profile: Profile, definition: Definition, plan: Plan
) -> tuple[Profile, Definition, Plan]:
    """Add a witness, flags, trips, refill taken out, and user time cancelled late."""
    if rng.random() < 0.5:
        document = profile.model_dump(by_alias=True)
        document["signal"][0]["witness"] = "second_monitor"
        document["signal"][1]["period_s"] = _pick(rng, 1.0, 8.0)
        profile = Profile.model_validate(document, strict=False)
    definition = definition.model_copy(
        update={
            "trip_below_s": _pick(rng, 0.0, 5.0, 20.0, 300.0),
            "trips_are_downtime": bool(rng.random() < 0.5),
            "refill_is_delivered": bool(rng.random() < 0.5),
            "requires": _pick(rng, (), (), ("permit",)),
            "fails_on": _pick(rng, (), (), ("fault",)),
        }
    )
    user = [b for b in plan.blocks if b.category.is_user_time]
    if rng.random() < 0.4 and user:  # part of a user block becomes something else, a minute before
        block = user[rng.integers(len(user))]
        first, last = (block.start_ns - T0) / NS_PER_S, (block.end_ns - T0) / NS_PER_S
        a, b = np.sort(rng.integers(2 * round(first), 2 * round(last) + 1, 2)) / 2
        a, b = max(a, 0.0), min(b, length, a + _pick(rng, 10.0, 120.0, 3600.0))
        if b > a:
            first_version = version(*((_s(b.start_ns), _s(b.end_ns), b.category.value) for b in plan.blocks))
            turned = version((a, b, _pick(rng, "study", "shutdown", "reserve")), published_s=a - 60.0)
            plan = resolve([first_version, turned], notice_ns=definition.notice_ns)
    return profile, definition, plan


def _rarer_rules(
    rng: np.random.Generator, length: float, profile: Profile, definition: Definition, plan: Plan, *, flags: bool
) -> tuple[Profile, Definition, Plan]:
    """Add runs of the calendar, limits frozen in them or relative to nominal, more flags, a witness in its own unit."""
    changes: dict[str, Any] = {"limits_frozen_in_runs": bool(rng.random() < 0.25)}
    if rng.random() < 0.2:  # below `minimum`, between `minimum` and `tolerance`, above `tolerance`
        changes["no_beam_below_fraction"] = _pick(rng, 0.02, 0.3, 0.5, 0.96)
    if flags and rng.random() < 0.25:
        changes["requires"] = _pick(rng, ("permit",), ("permit",), ("permit", "ready"), ("permit", "fault"))
        changes["fails_on"] = _pick(rng, ("fault",), ("fault",), ("ready", "fault"), ("fault", "permit"))
    document = profile.model_dump(by_alias=True)
    if len(profile.limit_steps) == 1 and rng.random() < 0.3:  # of a sudden 200 mA are not enough
        raised = step(grid(rng.random() * length), nominal=210.0, recovered=205.0, tolerance=201.0)
        document["limits"] = [*document["limits"], raised]
    if profile.delivery.witness is not None and rng.random() < 0.6:
        signal, witness, *others = document["signal"]
        witness |= {"beam_above": _pick(rng, 3.0, 50.0, 195.0), "physical_max": _pick(rng, None, 199.5)}
        document["signal"] = [signal, witness, *others]
    profile = Profile.model_validate(document, strict=False)
    first = int(rng.integers(len(plan.planned) + 1))
    names = ["2025-1" if i < first else _pick(rng, "2025-2", None) for i in range(len(plan.planned))]
    planned = [replace(p, block=replace(p.block, run=n)) for p, n in zip(plan.planned, names, strict=True)]
    return profile, definition.model_copy(update=changes), replace(plan, planned=tuple(planned))


def _s(ns: int) -> float:
    return (ns - T0) / NS_PER_S


def _beside(
    rng: np.random.Generator,
    rarer: np.random.Generator,
    length: float,
    samples: Samples,
    profile: Profile,
    cuts: Int64,
) -> dict[str, Any]:
    """What was recorded and said beside the delivery signal."""
    on_change = profile.delivery.stale_after_ns is None
    flags = {
        "permit": _states(rng, "shutters", ("permitted", "closed"), length),
        "fault": _states(rng, "interlock", ("sound", "fault"), length),
    }
    beside: dict[str, Any] = {"flags": flags, "corrections": _corrections(rng, length)}
    if on_change:
        beside["link_down"] = _link_down(rarer, cuts)
    if rarer.random() < 0.1:
        del flags[_pick(rarer, "permit", "fault")]  # never recorded
    if rng.random() < 0.7:
        beside["mode"] = _states(rng, "mode", ("user", "refill"), length)
    if profile.delivery.witness is not None:
        beside["witness"] = _witness(rng, length, samples, profile)
    return beside


def _states(rng: np.random.Generator, signal: str, words: tuple[str, str], length: float) -> Samples:
    """Mostly the first word, at times the second, seldom unknown."""
    times, codes, now = [], [], float(_pick(rng, -30.0, -30.0, -30.0, 20.0))
    while now < length:
        times.append(at(now))
        codes.append(len(codes) % 2)
        now += grid(rng.exponential(length / 4 if codes[-1] == 0 else 30.0)) + 0.5
    quality = [Quality.GOOD] * len(times)
    return Samples.sorted("ring", signal, times, [np.nan] * len(times), quality=quality, state=codes, words=words)


def _witness(rng: np.random.Generator, length: float, samples: Samples, profile: Profile) -> Samples:
    """The delivery signal a little later; for some time stuck at beam, at none, or silent; with bad samples."""
    period = profile.signal("second_monitor").period_s or 1.0
    times = np.arange(0.0, length, period)
    stamps = np.array([at(t) for t in times], np.int64)
    delay = round(2 * rng.choice([0.0, 0.0, 4.0, 5.0, 5.5])) * NS_PER_S // 2
    behind = np.searchsorted(samples.time_ns, stamps - delay, side="right") - 1
    value = np.where(behind >= 0, samples.value[np.maximum(behind, 0)], 200.0) if len(samples) else stamps * 0.0
    keep = np.ones(len(times), bool)
    for _ in range(4):
        start, width = rng.random() * length, rng.exponential(length / 6)
        inside = (times >= start) & (times < start + width)
        match rng.integers(4):
            case 0:
                keep &= ~inside
            case 1:
                value[inside] = 0.0
            case _:
                value[inside] = 200.0
    value[rng.random(len(times)) < 0.01] = np.nan
    quality = rng.choice([Quality.GOOD, Quality.UNCERTAIN, Quality.BAD], len(times), p=[0.97, 0.02, 0.01])
    return Samples.sorted("ring", "second_monitor", stamps[keep], value[keep], quality=quality[keep].astype(np.uint8))


def _corrections(rng: np.random.Generator, length: float) -> tuple[Correction, ...]:
    """Up to six that do not contradict each other, some of them abutting."""
    made: list[Correction] = []
    for number in range(int(rng.integers(0, 7))):
        start = grid(rng.random() * length)
        if made and rng.random() < 0.2:
            start = _s(made[-1].end_ns)
        end = start + max(0.5, grid(min(rng.exponential(_pick(rng, 4.0, 60.0, 600.0)), length)))
        what: Assertion = _pick(rng, *Assertion, *3 * [Assertion.SENSOR_SOUND])
        if what in (Assertion.ONE_EVENT, Assertion.SEPARATE, Assertion.SENSOR_SOUND):
            start, end = start - 300.0, end + 300.0
        limit = float(rng.choice([190.0, 150.0, 60.0, 5.0])) if what is Assertion.REDUCED else None
        category = Exclusion.GRID if what is Assertion.EXCLUDED else None
        said = Correction(
            number, at(start), at(end), what, "Operator", "it was so", at(end), category=category, limit=limit
        )
        try:
            check_correction(said, made)
        except CorrectionError:
            continue
        made.append(said)
    return tuple(made)
