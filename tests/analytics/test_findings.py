"""What is found in the parts of a period is what is found in the whole."""

from itertools import pairwise

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analytics.evidence import Evidence
from analytics.findings import Findings, examine, join
from facility.period import Period
from generated_cases import Case, generate

CASES = st.builds(generate, st.integers(0, 2**32), longest_s=st.just(3600.0))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CASES, st.lists(st.floats(0, 1), min_size=1, max_size=5))
@example(generate(2033, longest_s=3600.0), [0.5])  # limits rise in unknown time, on one side of the cut only
def test_findings_of_parts_join_to_those_of_the_whole(case: Case, cuts: list[float]) -> None:
    start, end = case.window
    evidence = Evidence(case.samples, start, end, case.cuts, **case.beside)

    def found(a: int, b: int, period_id: str = "") -> Findings:
        return examine(evidence, case.profile, case.definition, case.plan, Period(period_id, a, b))

    edges = sorted({start, end, *(start + round(f * (end - start)) for f in cuts)})
    assert join([found(a, b) for a, b in pairwise(edges)], "whole") == found(start, end, "whole")
