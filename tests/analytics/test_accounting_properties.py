"""What must hold of every account, whatever the samples, the calendar and the rules."""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from analytics import conditions
from analytics import window as window_module
from analytics.accounts import Side, book
from analytics.availability import Availability
from analytics.conditions import Scanner, is_good, scan
from analytics.events import find_events
from analytics.evidence import AppliedEvidence, Evidence, apply_evidence, breaks
from analytics.figures import percentage
from analytics.findings import grouping_of
from analytics.window import load_window
from facility.batch import Samples
from facility.corrections import Assertion, Withdrawal, in_force
from facility.interval import Intervals
from facility.limits import LimitStep
from facility.period import Period
from facility.schedule import Block, Plan, PlannedBlock
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S
from generated_cases import Case, generate
from one_period import availability

CASES = st.builds(generate, st.integers(0, 2**32), longest_s=st.just(3600.0))
"""Up to an hour long; Hypothesis chooses the seed, the generator knows where the trouble is."""

often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def count(case: Case, period: Period | None = None) -> Availability:
    """Count a period of a case with all that is known of the case."""
    return availability(
        case.profile,
        case.definition,
        case.plan,
        case.samples,
        period or case.period,
        now_ns=case.window[1],
        window=case.window,
        cuts=case.cuts,
        **case.beside,
    )


def planned(case: Case, period: Period) -> bool:
    """Whether anything is planned in a period: without it there is nothing to count."""
    return any(period.start_ns < b.end_ns and b.start_ns < period.end_ns for b in case.plan.blocks)


def pieces(case: Case, cuts: list[float]) -> list[Period]:
    """Return the window of a case in pieces, cut at fractions of it."""
    start, end = case.window
    edges = sorted({start, end, *(start + round(f * (end - start)) for f in cuts)})
    parts = [Period(f"{a}/{b}", a, b) for a, b in pairwise(edges)]
    return [part for part in parts if planned(case, part)]


@often
@given(CASES)
def test_accounts_close_exactly(case: Case) -> None:
    a = count(case).accounts
    by_plan = a.user + a.reserve + a.study + a.tuning + a.maintenance + a.shutdown + a.commissioning + a.unscheduled
    assert by_plan == a.calendar == case.period.length_ns
    beside = 0 if case.definition.refill_is_delivered else a.refill
    assert a.delivered + a.no_beam + a.unknown + beside == a.user_time == a.user + a.reserve
    assert 0 <= a.low_beam <= a.delivered
    assert 0 <= a.excluded <= a.no_beam
    assert 0 <= a.refill <= (a.delivered if case.definition.refill_is_delivered else a.user_time)


@often
@given(CASES, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_the_parts_of_a_window_add_up_to_the_whole_in_time_and_in_failures(case: Case, cuts: list[float]) -> None:
    whole = count(case, Period("whole", *case.window))
    parts = [count(case, part) for part in pieces(case, cuts)]
    for name in ("user", "reserve", "user_time", "delivered", "no_beam", "unknown", "low_beam", "refill", "excluded"):
        assert sum(getattr(p.accounts, name) for p in parts) == getattr(whole.accounts, name)
    for name in ("failures", "trips", "low_beam", "distortions", "glitches", "sensor_faults"):
        assert sum(getattr(p.counts, name) for p in parts) == getattr(whole.counts, name)
    assert sum(p.unwitnessed for p in parts) == whole.unwitnessed


# An outage that is stated of the time before the first sample, and lasts into the part.
@example(generate(4777727, longest_s=3600.0), [0.875])
@often
@given(CASES, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_what_is_read_around_a_part_makes_its_accounts_those_of_all_data(case: Case, cuts: list[float]) -> None:
    # Nothing is known of the hours before the first sample, and both ways must see that.
    case = replace(case, window=(case.window[0] - 2 * NS_PER_H, case.window[1]))
    assume(len(case.samples))
    extent = int(case.samples.time_ns[0]), int(case.samples.time_ns[-1])
    for part in pieces(case, cuts):
        now_ns = case.window[1]
        read, beside = case.samples.between, case.beside

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

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(window_module, "NS_PER_H", 20 * NS_PER_S)  # look around in steps that fit so short a case
            window = load_window(
                read, case.profile, case.definition, part, extent=extent, now_ns=now_ns, breaks=breaks_in
            )
        found = availability(
            case.profile,
            case.definition,
            case.plan,
            window.samples,
            part,
            now_ns=now_ns,
            window=(window.start_ns, window.end_ns),
            settled=window.settled,
            cuts=case.cuts[(case.cuts >= window.start_ns) & (case.cuts < window.end_ns)],
            **beside,
        )
        wanted = count(case, part)
        assert found.accounts == wanted.accounts
        assert found.counts == wanted.counts
        assert found.figures.availability_lower_pct == wanted.figures.availability_lower_pct
        assert found.figures.availability_upper_pct == wanted.figures.availability_upper_pct


@often
@given(CASES)
def test_the_figure_lies_within_its_bounds(case: Case) -> None:
    figures = count(case).figures
    lower, upper = figures.availability_lower_pct, figures.availability_upper_pct
    if figures.availability_pct is not None:
        assert lower is not None
        assert upper is not None
        assert lower <= figures.availability_pct <= upper


@often
@given(CASES, st.data())
def test_whatever_the_unknown_time_was_the_figure_would_lie_within_the_bounds(case: Case, data: st.DataObject) -> None:
    # More outages inside a stretch in which they were said to be separate may merge less: no filling is the worst.
    said = case.beside.get("corrections", ())
    assume(case.definition.merge_gap_ns == 0 or all(c.assertion is not Assertion.SEPARATE for c in said))
    evidence = evidence_of(case)
    applied = apply_evidence(evidence, case.profile, case.definition, case.plan)
    certainty = applied.combined.certainty
    filled = scan(_fill(case, applied, data), applied.rules, *case.window, certainty=certainty)
    assert filled.known == evidence.span
    events = find_events(filled, case.plan.user_time, grouping_of(evidence, case.definition, case.plan))
    side = Side(evidence.refill, case.definition.refill_is_delivered)
    accounts = book(filled, events, case.plan, case.period, side)
    assert accounts.unknown == 0
    truth = percentage(accounts.delivered, accounts.known)
    if truth is not None:
        figures = count(case).figures
        assert figures.availability_lower_pct is not None
        assert figures.availability_upper_pct is not None
        assert figures.availability_lower_pct - 1e-9 <= truth <= figures.availability_upper_pct + 1e-9


def evidence_of(case: Case) -> Evidence:
    """Return all that is known of a case."""
    beside = case.beside
    return Evidence(
        case.samples,
        *case.window,
        case.cuts,
        beside.get("witness"),
        beside.get("mode"),
        beside.get("flags", {}),
        beside.get("corrections", ()),
        link_down=beside.get("link_down", Intervals.empty()),
    )


def _fill(case: Case, applied: AppliedEvidence, data: st.DataObject) -> Samples:
    """Put samples at the signal's period, of any value, into all unknown time of a case's window."""
    start, end = case.window
    edges = [start, *(t for span in applied.conditions().known for t in span), end]
    told = applied.samples
    good = is_good(told, applied.rules.physical_max)
    stamps = set(told.time_ns[good].tolist())
    # Where a sample holds for no time, the unknown time begins with its stamp; it stays the sample there.
    holes = [(a + 1 if a in stamps else a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    times = np.concatenate([np.arange(a, b, applied.rules.sample_period_ns, dtype=np.int64) for a, b in holes])
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    levels = rng.choice([0.0, 9.5, 10.0, 150.0, 192.0, 200.0, 500.0], len(times))
    # Held for a while each, so that outages come out of it and not glitches alone.
    values = np.repeat(levels, data.draw(st.integers(1, 40)))[: len(times)]
    return Samples.sorted(
        told.facility,
        told.signal,
        np.concatenate([told.time_ns[good], times]),
        np.concatenate([told.value[good], values]),
    )


@often
@given(CASES, st.lists(st.floats(0, 1), max_size=8), st.sampled_from([1, 3, 50, 1 << 15]))
def test_cutting_the_samples_into_pieces_changes_nothing(case: Case, cuts: list[float], chunk: int) -> None:
    start, end = case.window
    applied = apply_evidence(evidence_of(case), case.profile, case.definition, case.plan)
    edges = sorted({start, end, *(start + round(f * (end - start)) for f in cuts)})
    # Where limits change in unknown time, an outage may restart.
    known = applied.conditions().known
    restarts = [ns for ns in applied.rules.starts[1:] if not known.contains(ns)]
    for fill, begun in ((None, ()), (0.0, ()), (0.0, restarts), (math.inf, ())):
        whole = applied.conditions(fill, begun)
        scanner = Scanner(
            applied.rules,
            start,
            end,
            cuts=applied.combined.cuts,
            fill=fill,
            restarts=begun,
            certainty=applied.combined.certainty,
            silent=applied.combined.silent,
        )
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(conditions, "CHUNK", chunk)
            for a, b in pairwise(edges):
                scanner.feed(applied.samples.between(a, b))
        assert scanner.finish() == whole


@often
@given(CASES, st.integers(-400, 400).filter(bool))
def test_shifting_everything_by_days_changes_nothing_but_the_dates(case: Case, days: int) -> None:
    here, there = count(case), count(shifted(case, days))
    assert there.accounts == here.accounts
    assert there.counts == here.counts
    assert there.figures == here.figures
    shift = days * NS_PER_DAY
    assert [(e.event.start_ns - shift, e.user_time_ns) for e in there.events] == [
        (e.event.start_ns, e.user_time_ns) for e in here.events
    ]


def shifted(case: Case, days: int) -> Case:
    """Return the case some days later: samples, calendar, limits, period, and all beside them."""
    shift = days * NS_PER_DAY

    def step(limits: LimitStep) -> LimitStep:
        return limits.model_copy(update={"since": limits.since + timedelta(days=days)})

    def block(p: PlannedBlock) -> PlannedBlock:
        moved: Block = replace(p.block, start_ns=p.block.start_ns + shift, end_ns=p.block.end_ns + shift)
        return replace(p, block=moved, published_at_ns=p.published_at_ns + shift)

    document = case.profile.model_dump(by_alias=True)
    document["limits"] = [step(s).model_dump(by_alias=True) for s in case.profile.limit_steps]

    def later(samples: Samples) -> Samples:
        return replace(samples, time_ns=samples.time_ns + shift)

    beside = dict(case.beside)
    beside |= {name: later(beside[name]) for name in ("witness", "mode") if name in beside}
    if "link_down" in beside:
        beside["link_down"] = Intervals.of((a + shift, b + shift) for a, b in beside["link_down"])
    if beside:
        beside["flags"] = {name: later(flag) for name, flag in beside["flags"].items()}
        beside["corrections"] = tuple(
            replace(c, start_ns=c.start_ns + shift, end_ns=c.end_ns + shift) for c in beside["corrections"]
        )
    return Case(
        type(case.profile).model_validate(document, strict=False),
        case.definition,
        Plan(tuple(block(p) for p in case.plan.planned)),
        later(case.samples),
        Period("shifted", case.period.start_ns + shift, case.period.end_ns + shift),
        (case.window[0] + shift, case.window[1] + shift),
        case.cuts + shift,
        beside,
    )


@often
@given(CASES, st.randoms(use_true_random=False))
def test_the_order_in_which_things_arrive_or_are_listed_does_not_matter(case: Case, random: Random) -> None:
    beside = dict(case.beside)
    if beside:
        beside["flags"] = dict(_shuffled(beside["flags"].items(), random))
        beside["corrections"] = tuple(_shuffled(beside["corrections"], random))
    if beside.get("witness") is not None:
        beside["witness"] = _arrived(beside["witness"], random)
    requires, fails_on = (tuple(_shuffled(x, random)) for x in (case.definition.requires, case.definition.fails_on))
    definition = case.definition.model_copy(update={"requires": requires, "fails_on": fails_on})
    told = _arrived(case.samples, random)
    assert count(replace(case, samples=told, beside=beside, definition=definition)) == count(case)


def _shuffled(things: Iterable[Any], random: Random) -> list[Any]:
    listed = list(things)
    random.shuffle(listed)
    return listed


def _arrived(samples: Samples, random: Random) -> Samples:
    """Return samples that came in another order."""
    order = np.array(_shuffled(range(len(samples)), random), np.int64)
    return Samples.sorted(
        samples.facility,
        samples.signal,
        samples.time_ns[order],
        samples.value[order],
        quality=samples.quality[order],
        reason=None if samples.reason is None else samples.reason[order],
        words=samples.words,
    )


@often
@given(CASES, st.data())
def test_a_correction_and_its_withdrawal_leave_no_trace(case: Case, data: st.DataObject) -> None:
    said = case.beside.get("corrections", ())
    assume(said)
    withdrawn = data.draw(st.sets(st.sampled_from([c.id for c in said]), min_size=1))
    taken_back = [Withdrawal(number, "Operator", "it was not so", case.window[1]) for number in withdrawn]
    never_said = tuple(c for c in said if c.id not in withdrawn)
    left = replace(case, beside={**case.beside, "corrections": in_force(said, taken_back)})
    assert count(left) == count(replace(case, beside={**case.beside, "corrections": never_said}))
