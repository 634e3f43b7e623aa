"""A period without a sample has a figure wherever it has a plan, by every question about a period."""

import pytest

from command_line import Kado

PLAN = {
    # A shutdown with the monitor off, in a month after the last sample.
    "2025-06": "2025-06-01T00:00:00+09:00,2025-07-01T00:00:00+09:00,shutdown,2025-03-01T00:00:00+09:00",
    # User time that nobody watched.
    "2025-07-02": "2025-07-02T00:00:00+09:00,2025-07-03T00:00:00+09:00,user,2025-03-01T00:00:00+09:00",
    # User time that was cancelled two days ahead.
    "2025-07-05": "2025-07-05T00:00:00+09:00,2025-07-06T00:00:00+09:00,user,2025-03-01T00:00:00+09:00\n"
    "2025-07-05T00:00:00+09:00,2025-07-06T00:00:00+09:00,shutdown,2025-07-03T00:00:00+09:00",
}
QUESTIONS = {
    "availability": "availability",
    "events": "events",
    "pareto": "incident pareto",
    "comparison": "definitions --compare sls nanoterasu",
    "fleet": "fleet figures -c kado.toml",
    "gaps": "gaps",
    "explain": "explain",
    "reliability": "reliability",
    "beamlines": "beamlines",
}


@pytest.fixture
def planned(seeded: Kado) -> Kado:
    with open("later.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(["start,end,category,published_at", *PLAN.values()]) + "\n")
    assert seeded("schedule", "import", "later.csv").exit_code == 0
    return seeded


@pytest.mark.parametrize("period", PLAN)
def test_every_question_about_it_has_an_answer(planned: Kado, period: str) -> None:
    for question, words in QUESTIONS.items():
        answer = planned(*words.split(), "-p", period)
        assert (question, answer.exit_code, answer.err) == (question, 0, "")


def test_a_shutdown_a_day_that_nobody_watched_and_a_cancelled_day_are_told_apart(planned: Kado) -> None:
    documents = {period: planned("availability", "-p", period, "--format", "json").document for period in PLAN}
    found = {
        period: [d["accounts_s"][name] for name in ("user_time", "no_beam", "unknown")]
        + [d["figures"]["availability_pct"], d["figures"]["coverage_pct"], d["provisional"]]
        for period, d in documents.items()
    }
    assert found == {
        "2025-06": [0, 0, 0, None, None, False],
        "2025-07-02": [86_400, 0, 86_400, None, 0.0, True],
        "2025-07-05": [86_400, 86_400, 0, 0.0, 100.0, True],
    }
    for period in PLAN:
        assert "Coverage" in planned("availability", "-p", period).out


@pytest.mark.parametrize(
    ("period", "why"),
    [
        ("2025-02", "has no schedule"),
        ("2025-05-11", "has no samples of current in 2025-05-11"),
        ("2199-05", "in the future"),
    ],
)
def test_refused_is_what_lies_in_the_future_has_no_plan_or_ends_before_anything_is_known(
    seeded: Kado, period: str, why: str
) -> None:
    for question, words in QUESTIONS.items():
        answer = seeded(*words.split(), "-p", period)
        assert (question, answer.exit_code) == (question, 1 if question == "fleet" else 2)
        assert why in " ".join((answer.out + answer.err).split()), question


def test_unknown_time_that_a_person_states_has_a_figure_before_the_first_sample_too(seeded: Kado) -> None:
    words = ("--from", "2025-05-12T10:00:00+09:00", "--to", "2025-05-12T22:00:00+09:00", "--yes")
    assert seeded("correct", "down", *words, "--author", "Sato", "--reason", "logbook").exit_code == 0
    document = seeded("availability", "-p", "2025-05-12", "--format", "json").document
    assert document["accounts_s"]["no_beam"] == 12 * 3_600
