"""Limits that rules name: those of the accounting at each instant."""

import itertools
import random
from datetime import date

from analytics.alarms.limits import limit_pieces, reduced_of
from analytics.rules import Reduced, Rules
from facility.corrections import Assertion, Correction
from facility.definition import load_definition
from facility.limits import LimitStep, LimitTable
from facility.profile import Profile, load_profile
from facility.schedule import Block, Category, Plan, PlannedBlock
from facility.time import NS_PER_DAY, NS_PER_S, local_midnight

HOUR = 3600 * NS_PER_S


def profile_with_study_limits() -> Profile:
    """A profile whose limits change on 1 July 2024 after a day of grace, and are others for machine study."""
    made = load_profile("nanoterasu_sim")
    keys = {"from": date(2024, 4, 1), "mode": Category.STUDY, "nominal": 50.0, "tolerance": 40.0, "minimum": 2.0}
    study = LimitStep.model_validate(keys)
    steps = (*made.limit_steps, study)
    return made.model_copy(update={"limit_steps": steps, "limits": LimitTable.of(steps, made.zone)})


PROFILE = profile_with_study_limits()
STEP = local_midnight(date(2024, 7, 1), PROFILE.zone)
START, END = STEP - NS_PER_DAY, STEP + 3 * NS_PER_DAY


def blocks(*found: tuple[int, int, Category]) -> Plan:
    return Plan(tuple(PlannedBlock(Block(a, b, category), 0) for a, b, category in found))


def test_a_step_of_the_limits_counts_once_its_grace_time_is_over() -> None:
    pieces = limit_pieces(PROFILE, blocks((START, END, Category.USER)), START, END)
    assert pieces.starts == (START, STEP + NS_PER_DAY)
    assert [pieces.at("nominal", t) for t in (START - 1, START, STEP + NS_PER_DAY - 1, STEP + NS_PER_DAY)] == [
        None,
        159.0,
        159.0,
        199.0,
    ]
    assert pieces.at("target_availability_pct", END) == PROFILE.target_availability_pct


def test_the_mode_is_that_of_the_plan_and_user_where_it_has_no_limits_of_its_own() -> None:
    plan = blocks((START + HOUR, START + 2 * HOUR, Category.STUDY), (START + 3 * HOUR, END, Category.SHUTDOWN))
    pieces = limit_pieces(PROFILE, plan, START, STEP)
    hours = [pieces.at("minimum", START + h * HOUR) for h in range(4)]
    assert hours == [8.0, 2.0, 8.0, 8.0]


def test_a_correction_reduced_lowers_every_limit_for_its_time_and_other_corrections_none() -> None:
    def correction(assertion: Assertion, start_h: int, limit: float | None) -> Correction:
        start = START + start_h * HOUR
        return Correction(0, start, start + HOUR, assertion, "mori", "low", START, limit=limit)

    said = [(Assertion.REDUCED, 1, 100.0), (Assertion.REDUCED, 2, 5.0), (Assertion.UP, 3, None)]
    reduced = reduced_of([correction(*one) for one in said])
    pieces = limit_pieces(PROFILE, blocks(), START, STEP, reduced)
    found = [(pieces.at("nominal", START + h * HOUR), pieces.at("minimum", START + h * HOUR)) for h in range(4)]
    assert found == [(159.0, 8.0), (100.0, 8.0), (5.0, 5.0), (159.0, 8.0)]


def test_at_every_instant_they_are_those_of_the_accounting() -> None:
    definition = load_definition("nanoterasu")
    for seed in range(60):
        chance = random.Random(seed)
        edges = sorted(chance.sample(range(START // HOUR, END // HOUR), 6))
        words = [Category.USER, Category.STUDY, Category.SHUTDOWN]
        pairs = [(a * HOUR, b * HOUR) for a, b in itertools.pairwise(edges)]
        plan = blocks(*((a, b, chance.choice(words)) for a, b in pairs if chance.random() < 0.8))
        reduced: list[Reduced] = []
        for _ in range(chance.randint(0, 2)):
            a, b = sorted(chance.sample(range(START // HOUR - 5, END // HOUR + 5), 2))
            reduced.append(Reduced(a * HOUR, b * HOUR, chance.choice([1.0, 30.0, 157.0, 180.0])))
        pieces = limit_pieces(PROFILE, plan, START, END, reduced)
        rules = Rules.of(PROFILE, definition, plan, START, END, reduced)
        instants = {t + d for t in (*pieces.starts, *rules.starts) for d in (-1, 0, 1)} | {END - 1}
        for t in (t for t in instants if START <= t < END):
            in_force = rules.thresholds[rules.piece_at(t)]
            assert pieces.at("minimum", t) == in_force.minimum, (seed, t)
            assert pieces.at("tolerance", t) == in_force.tolerance, (seed, t)
