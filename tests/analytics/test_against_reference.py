"""The fast accounting agrees, to the nanosecond, with a slow one that was written from the rules alone.

``KADO_CASES`` sets the number of generated cases, ``KADO_FIRST_CASE`` the seed of the first.
"""

import os
from collections import Counter

import pytest

from analytics import conditions
from analytics.availability import Availability
from distorted_cases import distorted
from distortions_at_work import distortions_at_work, references
from facility.corrections import Assertion
from generated_cases import Case, generate
from one_period import availability
from reference_accounting import TICK, Reference
from reference_events import FullReference
from rules_at_work import rules_at_work

CASES = int(os.environ.get("KADO_CASES", "2000"))
FIRST = int(os.environ.get("KADO_FIRST_CASE", "0"))
AT_LEAST = 50
"""Of 2,000 cases, so many must have given each rule something to decide."""


@pytest.mark.timeout(0)
def test_fast_and_slow_accounting_agree_and_every_rule_had_something_to_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    differences: list[str] = []
    at_work: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + CASES):
        case = distorted(generate(seed), seed)
        # Looked at whole, or in some 50 pieces: where they are cut must not matter.
        monkeypatch.setattr(conditions, "CHUNK", (1 << 15, 7 + len(case.samples) // 50)[seed % 2])
        slow, fast = _slow(case), _fast(case)
        further = references(case, slow)
        wanted = _answers_of_reference(slow) | {
            f"{d} {k}": n for d, r in further.items() for k, n in r.answers().items()
        }
        found = _answers(fast) | _answers_of_further_signals(fast)
        if wanted != found:
            wrong = [f"{k} {found[k]}, wanted {wanted[k]}" for k in wanted if wanted[k] != found[k]]
            differences.append(f"case {seed}: " + "; ".join(wrong))
        decided = rules_at_work(case, slow, fast) | distortions_at_work(case, slow, further)
        at_work.update({rule: int(did) for rule, did in decided.items()})
    assert differences == []
    # Of fewer cases no rule can be sure of its share.
    least = AT_LEAST if CASES >= 2000 else 0
    assert {rule: cases for rule, cases in at_work.items() if cases < least} == {}


def _fast(case: Case) -> Availability:
    return availability(
        case.profile,
        case.definition,
        case.plan,
        case.samples,
        case.period,
        now_ns=case.window[1],
        window=case.window,
        cuts=case.cuts,
        **case.beside,
    )


def _slow(case: Case) -> Reference:
    told = case.profile, case.definition, case.plan, case.samples, case.period, case.window, case.cuts.tolist()
    beside = {name: told for name, told in case.beside.items() if name != "further"}
    return FullReference(*told, **beside) if beside else Reference(*told)


def _answers(found: Availability) -> dict[str, float | None]:
    accounts, counts, figures = found.accounts, found.counts, found.figures
    return {
        "user_time": accounts.user_time,
        "delivered": accounts.delivered,
        "no_beam": accounts.no_beam,
        "unknown": accounts.unknown,
        "low_beam": accounts.low_beam,
        "refill": accounts.refill,
        "excluded": accounts.excluded,
        "failures": counts.failures,
        "trips": counts.trips,
        "sensor faults": counts.sensor_faults,
        "unwitnessed": found.unwitnessed,
        "low beams": counts.low_beam,
        "glitches": counts.glitches,
        "availability": figures.availability_pct,
        "lower": figures.availability_lower_pct,
        "upper": figures.availability_upper_pct,
    }


def _answers_of_further_signals(found: Availability) -> dict[str, float | None]:
    return {
        f"{f.distortion.id} {name}": number
        for f in found.further
        for name, number in {
            "distortions": f.count,
            "excursions": len(f.excursions),
            "beam": f.beam_ns,
            "unknown": f.unknown_ns,
            "distorted": sum(r.user_time_ns for r in found.events if r.event.distortion == f.distortion.id),
            "open": sum(
                r.event.open for r in found.events if r.event.distortion == f.distortion.id and not r.carried_over
            ),
        }.items()
    }


def _answers_of_reference(slow: Reference) -> dict[str, float | None]:
    first, last = slow.period
    ticks = Counter(slow.account[first:last])
    return {
        "user_time": sum(slow.user[first:last]) * TICK,
        "delivered": (ticks["up"] + ticks["low"]) * TICK,
        "no_beam": ticks["down"] * TICK,
        "unknown": ticks["unknown"] * TICK,
        "low_beam": ticks["low"] * TICK,
        **_beside(slow),
        "failures": sum(first <= k < last for k in slow.failures.values()),
        "low beams": sum(first <= k < last for k in slow.low_beams.values()),
        "glitches": sum(first <= k < last and slow.user[k] for k in slow.judged[2]),
        "availability": slow.availability_pct(slow.account),
        "lower": slow.bounds[0],
        "upper": slow.bounds[1],
    }


def _beside(slow: Reference) -> dict[str, int]:
    if not isinstance(slow, FullReference):
        return dict.fromkeys(("refill", "excluded", "trips", "sensor faults", "unwitnessed"), 0)
    first, last = slow.period
    excluded = slow.ticks(Assertion.EXCLUDED)
    delivered, down = ("up", "low", "refill"), "down"
    inside = range(first, last)
    return {
        "refill": sum(slow.refill[k] and slow.account[k] in delivered for k in inside) * TICK,
        "excluded": sum(k in excluded and slow.account[k] == down for k in inside) * TICK,
        "trips": sum(k in inside for k in slow.trips.values()),
        "sensor faults": sum(k in inside and slow.user[k] for k in slow.faults),
        "unwitnessed": sum(k in inside and slow.user[k] for k in slow.silent),
    }
