"""Corrections through journal, loader and accounting: whatever is said, the accounts close; taken back, it is gone."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import Kado
from facility.corrections import Assertion, Exclusion
from facility.errors import CorrectionError
from facility.time import NS_PER_S, format_time, parse_time
from kado.config import load_configuration
from kado.queries.availability import load_availability
from kado.service.recording import make_correction, withdraw_correction, write_correction
from seeded_ring import DAY, time_of_day

MIDNIGHT = parse_time(time_of_day("00:00"))

saying = st.tuples(
    st.sampled_from(Assertion),
    st.integers(-120, 1_500),
    st.integers(1, 300),
    st.sampled_from(Exclusion),
    st.sampled_from([20.0, 100.0, 192.0]),
)
"""What, from which minute of the day, for how many minutes, and what some assertions need beside."""


def minute(number: int) -> str:
    return format_time(MIDNIGHT + number * 60 * NS_PER_S)


def test_a_correction_and_its_withdrawal_leave_no_trace_in_the_figures(seeded: Kado) -> None:
    configuration = load_configuration(Path("kado.toml"))
    untouched = load_availability(configuration, DAY).availability

    @settings(max_examples=25, deadline=None)
    @given(st.lists(saying, min_size=1, max_size=4))
    def check(said: list[tuple[Assertion, int, int, Exclusion, float]]) -> None:
        recorded: list[int] = []
        for assertion, start, length, category, limit in said:
            try:
                new = make_correction(
                    configuration,
                    assertion,
                    (parse_time(minute(start)), parse_time(minute(start + length))),
                    author="Sato",
                    reason="drawn",
                    category=category if assertion is Assertion.EXCLUDED else None,
                    limit=limit if assertion is Assertion.REDUCED else None,
                )
                answer = write_correction(configuration, new)
            except CorrectionError:
                continue  # contradicts one before it
            recorded.append(answer.correction.id)
        corrected = load_availability(configuration, DAY).availability
        f, a = corrected.figures, corrected.accounts
        assert a.delivered + a.no_beam + a.unknown == a.user_time == 86_400 * NS_PER_S
        bounds = [f.availability_lower_pct, f.availability_pct, f.availability_upper_pct]
        known = [pct for pct in bounds if pct is not None]
        assert known == sorted(known)
        for number in recorded:
            withdraw_correction(configuration, number, "Kato", "drawn")
        assert load_availability(configuration, DAY).availability == untouched

    check()
