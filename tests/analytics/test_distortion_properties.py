"""What must hold of distortions, whatever the samples, the calendar and the rules."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from analytics import distortion_window as reach_module
from analytics import window as window_module
from analytics.availability import Availability
from analytics.conditions import Kind
from analytics.distortion_window import reach_of, widened
from analytics.distortions import Series
from analytics.evidence import Evidence, breaks
from analytics.findings import examine, join
from analytics.window import load_window
from distorted_cases import distorted
from facility.batch import Samples
from facility.corrections import Assertion, Correction
from facility.interval import Intervals
from facility.period import Period
from facility.time import NS_PER_H, NS_PER_S
from generated_cases import Case, generate
from one_period import availability


def _case(seed: int) -> Case:
    return distorted(generate(seed, longest_s=3600.0), seed)


CASES = st.builds(_case, st.integers(0, 2**32)).filter(lambda case: bool(case.beside.get("further")))
FRACTIONS = st.lists(st.floats(0, 1), min_size=1, max_size=5)

often = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def count(case: Case, period: Period, window: tuple[int, int] | None = None) -> Availability:
    return availability(
        case.profile,
        case.definition,
        case.plan,
        case.samples,
        period,
        now_ns=case.window[1],
        window=window or case.window,
        cuts=case.cuts,
        **case.beside,
    )


def pieces(case: Case, cuts: list[float]) -> list[Period]:
    start, end = case.window
    edges = sorted({start, end, *(start + round(f * (end - start)) for f in cuts)})
    parts = [Period(f"{a}/{b}", a, b) for a, b in pairwise(edges)]
    return [p for p in parts if any(p.start_ns < b.end_ns and b.start_ns < p.end_ns for b in case.plan.blocks)]


def told(found: Availability) -> list[tuple[Any, ...]]:
    """Return all that a period says of distortions."""
    return [
        *((f.distortion.id, f.count, f.beam_ns, f.unknown_ns, len(f.excursions)) for f in found.further),
        *(
            (
                r.event.distortion,
                r.event.start_ns,
                r.event.end_ns,
                r.event.user_time.total,
                r.user_time_ns,
                r.event.open,
            )
            for r in found.events
            if r.event.kind is Kind.DISTORTION
        ),
    ]


@often
@given(CASES, FRACTIONS)
def test_the_parts_of_a_window_add_up_to_the_whole(case: Case, cuts: list[float]) -> None:
    whole = count(case, Period("whole", *case.window))
    parts = [count(case, part) for part in pieces(case, cuts)]
    assert sum(p.counts.other_distortions for p in parts) == whole.counts.other_distortions
    assert sum(p.counts.distortions for p in parts) == whole.counts.distortions
    for i, of_signal in enumerate(whole.further):
        for name in ("count", "beam_ns", "unknown_ns"):
            assert sum(getattr(p.further[i], name) for p in parts) == getattr(of_signal, name)
        assert [e for p in parts for e in p.further[i].excursions] == list(of_signal.excursions)


@often
@given(CASES, FRACTIONS)
def test_findings_of_the_parts_join_to_those_of_the_whole(case: Case, cuts: list[float]) -> None:
    known = {name: case.beside[name] for name in ("witness", "mode") if name in case.beside}
    known |= {name: case.beside[name] for name in ("flags", "corrections", "further") if name in case.beside}
    evidence = Evidence(case.samples, *case.window, case.cuts, **known)
    start, end = case.window
    edges = sorted({start, end, *(start + round(f * (end - start)) for f in cuts)})

    def found(a: int, b: int) -> Any:
        return examine(evidence, case.profile, case.definition, case.plan, Period("part", a, b), bounds=False)

    joined = join([found(a, b) for a, b in pairwise(edges)], "part")
    assert joined.further == found(start, end).further


@often
@given(CASES, FRACTIONS, st.booleans())
@example(_case(2909268), [0.0], True)  # a state that was told without beam, long before the part
def test_what_is_read_around_a_part_tells_of_its_distortions_what_all_data_tell(
    case: Case, cuts: list[float], steady: bool
) -> None:
    case = replace(case, window=(case.window[0] - 2 * NS_PER_H, case.window[1]))
    assume(len(case.samples))
    if steady:  # with a beam that is always there, nothing but the distortions makes it look further
        always = replace(
            case.samples, value=np.full(len(case.samples), 400.0), quality=np.zeros(len(case.samples), np.uint8)
        )
        case = replace(case, samples=always)
    extent, now_ns = (int(case.samples.time_ns[0]), int(case.samples.time_ns[-1])), case.window[1]

    def breaks_in(start_ns: int, end_ns: int) -> Intervals:
        known = Evidence(
            Samples.empty("ring", "stored_current"),
            start_ns,
            end_ns,
            case.cuts[(case.cuts >= start_ns) & (case.cuts < end_ns)],
            flags=case.beside.get("flags", {}),
            corrections=case.beside.get("corrections", ()),
        )
        return breaks(known, case.profile, [case.definition], case.plan.cancelled)

    def held(samples: Samples, start_ns: int, end_ns: int) -> Samples:
        before = samples.between(-(2**62), start_ns)
        return samples.between(int(before.time_ns[-1]) if len(before) else start_ns, end_ns)

    start, end = case.window
    disturbed = [r.event for r in count(case, Period("whole", start, end)).events if r.event.kind is Kind.DISTORTION]
    middles = [((e.start_ns + e.end_ns) // 2 - start) / (end - start) for e in disturbed]
    for part in pieces(case, cuts + middles[:5]):
        with pytest.MonkeyPatch.context() as patched:
            # Look around in steps that fit so short a case.
            patched.setattr(window_module, "NS_PER_H", 2 * NS_PER_S)
            patched.setattr(reach_module, "NS_PER_H", 2 * NS_PER_S)
            reaches = [
                reach_of(
                    lambda a, b, s=case.beside["further"][d.signal].samples: held(s, a, b),
                    d,
                    case.profile.signal(d.signal),
                    part,
                    now_ns,
                )
                for d in case.profile.distortions
                if d.signal in case.beside["further"]
            ]
            around = {"extent": extent, "now_ns": now_ns, "breaks": breaks_in}
            read, rules = case.samples.between, (case.profile, case.definition)
            window = widened(load_window(read, *rules, part, **around), reaches, read, *rules, **around)
        start, end = window.start_ns, window.end_ns
        further = {name: Series(held(s.samples, start, end), s.cuts) for name, s in case.beside["further"].items()}
        cut = replace(case, samples=window.samples, beside={**case.beside, "further": further})
        assert told(count(cut, part, (start, end))) == told(count(case, part))


@often
@given(CASES, st.floats(0, 1), st.floats(0, 1))
def test_a_correction_and_its_withdrawal_leave_no_trace(case: Case, first: float, last: float) -> None:
    start, end = case.window
    a, b = sorted((start + round(f * (end - start))) for f in (first, last))
    assume(a < b)
    period = Period("whole", *case.window)
    before = told(count(case, period))
    down = Correction(99, a, b, Assertion.DOWN, "Operator", "it was so", b)
    corrected = replace(case, beside={**case.beside, "corrections": (down,)})
    for event in (r.event for r in count(corrected, period).events if r.event.kind is Kind.DISTORTION):
        assert not event.user_time & Intervals.of([(a, b)])
    assert told(count(case, period)) == before


@often
@given(CASES, st.randoms(use_true_random=False))
def test_the_order_in_which_samples_arrive_does_not_matter(case: Case, random: Any) -> None:
    def arrived(series: Series) -> Series:
        s, order = series.samples, np.arange(len(series.samples))
        random.shuffle(order)
        reason, state = (None if column is None else column[order] for column in (s.reason, s.state))
        again = Samples.sorted(
            s.facility,
            s.signal,
            s.time_ns[order],
            s.value[order],
            quality=s.quality[order],
            state=state,
            reason=reason,
            words=s.words,
        )
        return Series(again, series.cuts)

    further = case.beside["further"]
    shuffled = dict(reversed([(name, arrived(series)) for name, series in further.items()]))
    period = Period("whole", *case.window)
    assert told(count(replace(case, beside={**case.beside, "further": shuffled}), period)) == told(count(case, period))


@often
@given(CASES)
def test_distortions_change_no_account_no_bound_and_nothing_provisional(case: Case) -> None:
    beside = {name: known for name, known in case.beside.items() if name != "further"}
    uncounted = case.definition.model_copy(update={"further_distortions": "none"})
    period = Period("whole", *case.window)
    with_them, without = count(case, period), count(replace(case, beside=beside, definition=uncounted), period)
    assert with_them.accounts == without.accounts
    assert replace(with_them.figures, mtbd_h=None) == replace(without.figures, mtbd_h=None)
    assert (with_them.provisional, with_them.unknown) == (without.provisional, without.unknown)
    assert with_them.counts.distortions == without.counts.distortions + with_them.counts.other_distortions
