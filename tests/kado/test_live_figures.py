"""Figures of the running day and month: the same as those that are computed at once."""

from pathlib import Path

import pytest

from command_line import Kado
from facility.alarms.facts import FIGURE_PERIODS, FIGURES
from facility.batch import Samples
from facility.definition import load_definition
from facility.schedule import resolve
from facility.time import NS_PER_H, NS_PER_S, parse_time
from kado.config import Configuration, load_configuration
from kado.queries.availability import load_availability
from kado.queries.availability_document import availability_document
from kado.queries.beam import BeamState
from kado.queries.downtime_budget import with_budget
from kado.queries.evidence import extent_of
from kado.queries.record import load_record
from kado.service.live_figures import GrowingSamples, LiveCalculator
from kado.service.running_periods import further_periods
from kado.stores import open_store
from storage.store import TelemetryStore

FROM = parse_time("2026-11-11T00:00:00+09:00")
DUMP = parse_time("2026-11-12T13:24:11+09:00")


@pytest.fixture
def configuration(simulated: Kado) -> Configuration:
    return load_configuration(Path("kado.toml"))


def calculator(configuration: Configuration, store: TelemetryStore) -> LiveCalculator:
    record, definition = load_record(configuration), load_definition("nanoterasu")
    return LiveCalculator(configuration, store, record, definition, extent_of(store, configuration.profile))


@pytest.mark.parametrize(
    ("at", "state", "since"),
    [
        (DUMP - NS_PER_H, BeamState.UP, FROM),
        (DUMP + 60 * NS_PER_S, BeamState.NONE, DUMP),
        (parse_time("2026-11-14T00:01:00+09:00"), BeamState.UNKNOWN, parse_time("2026-11-14T00:00:09+09:00")),
    ],
)
def test_the_state_of_the_beam_is_known_with_its_beginning(
    configuration: Configuration, at: int, state: BeamState, since: int
) -> None:
    with open_store(configuration) as store:
        live = calculator(configuration, store).compute(at)
    assert live.state is state
    assert live.since_ns == since
    assert live.after_unknown == (since == FROM)


def test_following_along_gives_what_one_look_gives(configuration: Configuration) -> None:
    with open_store(configuration) as store:
        following = calculator(configuration, store)
        for minutes in range(0, 120, 20):
            now = DUMP - NS_PER_H + minutes * 60 * NS_PER_S
            live = following.compute(now)
            at_once = load_availability(configuration, "2026-11", "nanoterasu", clock=lambda at=now: at)
            assert live.month == at_once.availability
            assert live.day is not None
            assert live.day.counted_until_ns == now


def test_nothing_scheduled_has_no_figure(configuration: Configuration) -> None:
    Path("data/journal.db").unlink()
    with open_store(configuration) as store:
        live = calculator(configuration, store).compute(DUMP + 60 * NS_PER_S)
    assert (live.day, live.month, live.year) == (None, None, None)
    assert live.state is BeamState.NONE


def test_kept_samples_are_those_of_the_store(configuration: Configuration) -> None:
    signal = "stored_current"

    def ends(samples: Samples) -> tuple[int, int, int]:
        return len(samples), int(samples.time_ns[0]), int(samples.time_ns[-1])

    with open_store(configuration) as store:
        growing = GrowingSamples(store)
        for start, end in [(0, 10), (0, 20), (-30, 20), (-10, 5), (15, 200), (-40, 300)]:
            span = DUMP + start * 60 * NS_PER_S, DUMP + end * 60 * NS_PER_S
            assert ends(growing.read(signal, *span)) == ends(store.read(signal, *span))


def test_every_figure_of_every_running_period_is_that_of_the_command(configuration: Configuration) -> None:
    now = DUMP + NS_PER_H
    with open_store(configuration) as store:
        computing = calculator(configuration, store)
        live = computing.compute(now)
        # A busy machine needs several looks for the days of a year.
        for _ in range(60):
            live = live if "year" in live.by_period() else computing.compute(now)
    names = {"day": "2026-11-12", "month": "2026-11", "quarter": "2026Q4", "year": "2026", "fiscal_year": "FY2026"}
    assert set(live.by_period()) - {"run"} == set(names)
    for period, name in names.items():
        loaded = load_availability(configuration, name, "nanoterasu", clock=lambda: now)
        figures = availability_document(with_budget(configuration, loaded, clock=lambda: now))["figures"]
        assert live.values(period) == pytest.approx(figures), period
        assert set(FIGURES) == set(live.values(period))


def test_the_run_of_the_schedule_that_lasts_has_figures_and_between_runs_there_is_none(seeded: Kado) -> None:
    configuration = load_configuration(Path("kado.toml"))
    plan = resolve(load_record(configuration).versions)
    runs = {name: span for name, span in plan.runs.items() if span[1] - span[0] > NS_PER_H}
    name, (start, end) = next(iter(runs.items()))
    profile = configuration.profile
    assert further_periods(profile, plan, start + 1)["run"].id == f"run:{name}"
    assert further_periods(profile, plan, end)["run"].end_ns == end
    assert "run" not in further_periods(profile, plan, min(s for s, _ in runs.values()))
    assert FIGURE_PERIODS == ("day", "month", "quarter", "year", "fiscal_year", "run")


def test_days_add_up_to_the_energy_of_the_command(kado: Kado) -> None:
    assert kado("init", "--facility", "mlf_sim").exit_code == 0
    span = ("--from", "2026-11-11T00:00:00+09:00", "--to", "2026-11-13T00:00:00+09:00")
    answer = kado("simulate", "--scenario", "target_stop", *span)
    assert answer.exit_code == 0, answer.err
    configuration, now = load_configuration(Path("kado.toml")), parse_time("2026-11-12T18:00:00+09:00")
    definition = load_definition(configuration.profile.definition)
    with open_store(configuration) as store:
        extent = extent_of(store, configuration.profile)
        live = LiveCalculator(configuration, store, load_record(configuration), definition, extent).compute(now)
    for period, name in (("day", "2026-11-12"), ("month", "2026-11")):
        loaded = load_availability(configuration, name, clock=lambda: now)
        assert loaded.availability.delivered_mwh is not None
        assert live.values(period)["delivered_mwh"] == pytest.approx(loaded.availability.delivered_mwh, rel=1e-9)
