"""A made-up storage ring for tests: its profile, rules, calendar and stored current in a few words.

Times are seconds after `T0`, an hour at which nothing happens in any calendar.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analytics.availability import Availability
from facility.batch import Samples
from facility.definition import Definition
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Block, Category, Plan, ScheduleVersion, resolve
from facility.time import NS_PER_S, format_time, parse_time, to_datetime, to_ns
from one_period import availability

T0 = parse_time("2025-05-12T10:00:00+09:00")
LIMITS: dict[str, Any] = {"nominal": 199.0, "recovered": 195.0, "tolerance": 190.0, "minimum": 10.0}
SIGNAL = "stored_current"
BESIDE: list[dict[str, Any]] = [
    {"id": "second_monitor", "unit": "mA", "period_s": 1.0},
    {"id": "mode", "type": "state", "words": ["user", "study", "tuning", "maintenance", "shutdown", "refill"]},
    {"id": "shutters", "type": "state", "words": ["permitted", "closed"]},
    {"id": "interlock", "type": "state", "words": ["fault", "sound"]},
]


def at(seconds: float) -> int:
    """Return an instant, ns."""
    return T0 + to_ns(seconds)


def step(seconds: float, mode: str = "user", grace_h: float = 0.0, **limits: float) -> dict[str, Any]:
    """Return a ``[[limits]]`` table."""
    return {"from": to_datetime(at(seconds)), "mode": mode, "grace_h": grace_h, **LIMITS, **limits}


def ring(*limits: dict[str, Any], **signal: Any) -> Profile:
    """Return a profile; limits from long before `T0` unless given, a sample a second that holds for 10 s."""
    described = {"id": SIGNAL, "unit": "mA", "period_s": 1.0, "stale_after_s": 10.0, "physical_max": 600.0, **signal}
    return Profile.model_validate(
        {
            "id": "ring",
            "name": {"en": "Ring", "ja": "リング"},
            "time_zone": "Asia/Tokyo",
            "delivery_signal": SIGNAL,
            "signal": [described, *BESIDE],
            "flags": {
                "permit": {"signal": "shutters", "when": ["permitted"]},
                "fault": {"signal": "interlock", "when": ["fault"]},
            },
            "limits": list(limits) or [step(-1e6)],
        }
    )


def rules(**changes: Any) -> Definition:
    """Return a definition: ends at recovered, 3 s, no merging, user time per failure, unless changed."""
    title = {"en": "Test", "ja": "試験"}
    return Definition.model_validate({"id": "test", "title": title, "references": ["none"], **changes})


def calendar(*blocks: tuple[float, float, str], published_s: float = -1e7) -> Plan:
    """Return a plan of (start, end, category)."""
    return resolve([version(*blocks, published_s=published_s)])


def version(*blocks: tuple[float, float, str], published_s: float = -1e7) -> ScheduleVersion:
    """Return one version of the calendar."""
    return ScheduleVersion.of(at(published_s), [Block(at(a), at(b), Category(c)) for a, b, c in blocks])


def span(start: float, end: float) -> Period:
    """Return a period."""
    return Period(f"{format_time(at(start))}/{format_time(at(end))}", at(start), at(end))


def current(
    *levels: tuple[float, float], until: float, every: float = 1.0, silent: Sequence[tuple[float, float]] = ()
) -> list[tuple[float, float]]:
    """Return (seconds, mA) every so often: each level from its instant on, nothing inside ``[a, b)`` of `silent`."""
    times = np.arange(levels[0][0], until, every)
    starts = np.array([s for s, _ in levels])
    values = np.array([v for _, v in levels])[np.searchsorted(starts, times, side="right") - 1]
    spoken = np.ones(len(times), bool)
    for a, b in silent:
        spoken &= (times < a) | (times >= b)
    return list(zip(times[spoken].tolist(), values[spoken].tolist(), strict=True))


def samples(
    points: Iterable[tuple[float, float]],
    quality: dict[float, Quality] | None = None,
    reason: dict[float, str] | None = None,
) -> Samples:
    """Return samples of (seconds, mA), good but for those in `quality`, without reason but for those in `reason`."""
    listed = list(points)
    words = sorted(set((reason or {}).values()))
    return Samples.sorted(
        "ring",
        SIGNAL,
        [at(s) for s, _ in listed],
        [v for _, v in listed],
        quality=[(quality or {}).get(s, Quality.GOOD) for s, _ in listed],
        reason=[words.index(reason[s]) if reason and s in reason else -1 for s, _ in listed],
        words=words,
    )


def account(
    delivery: Samples | Iterable[tuple[float, float]],
    period: Period | tuple[float, float],
    *,
    profile: Profile | None = None,
    definition: Definition | None = None,
    plan: Plan | None = None,
    window: tuple[float, float] | None = None,
    cuts: Iterable[float] = (),
    link_down: Intervals | None = None,
    now: float = 1e8,
) -> Availability:
    """Run the whole chain; without a plan, the period is user time from start to end."""
    asked = period if isinstance(period, Period) else span(*period)
    whole = (asked.start_ns - T0) / NS_PER_S, (asked.end_ns - T0) / NS_PER_S
    return availability(
        profile or ring(),
        definition or rules(),
        plan or calendar((*whole, "user")),
        delivery if isinstance(delivery, Samples) else samples(delivery),
        asked,
        now_ns=at(now),
        window=None if window is None else (at(window[0]), at(window[1])),
        cuts=np.array([at(c) for c in sorted(cuts)], np.int64),
        link_down=link_down,
    )
