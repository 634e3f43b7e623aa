"""Since when the beam is in its state: unknown time is neither beam nor downtime."""

from pathlib import Path

import numpy as np
import pytest

from command_line import Kado
from facility.batch import Batch, Samples, join_by_signal
from facility.definition import Definition, load_definition
from facility.schedule import Plan, resolve
from facility.time import NS_PER_H, NS_PER_S, format_time, parse_time
from kado.cli.status import beam_line
from kado.config import Configuration, load_configuration
from kado.language import in_language
from kado.live.screen import LiveView, _since
from kado.page.now_document import _beam as _document
from kado.page.now_words import Shown, _beam
from kado.queries.beam import BeamState, Verdict, find_verdict
from kado.queries.evidence import extent_of
from kado.queries.record import load_record
from kado.queries.status import load_standing, status_document
from kado.service.live_figures import LiveCalculator
from kado.stores import open_store
from storage.store import TelemetryStore

FIRST = parse_time("2026-11-11T00:00:00+09:00")
DUMP = parse_time("2026-11-12T13:24:11+09:00")
MINUTE = 60 * NS_PER_S
DEFINITION = load_definition("nanoterasu")


@pytest.fixture
def configuration(simulated: Kado) -> Configuration:
    return load_configuration(Path("kado.toml"))


def plan_of(configuration: Configuration, *, empty: bool) -> Plan:
    return resolve(() if empty else load_record(configuration).versions, notice_ns=DEFINITION.notice_ns)


def verdict_with_hole(
    configuration: Configuration, now_ns: int, hole: tuple[int, int], definition: Definition = DEFINITION
) -> Verdict:
    """Return the verdict on a store that has no samples of a stretch of time."""
    with open_store(configuration) as store:

        def read(signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
            before, after = min(end_ns, hole[0]), max(start_ns, hole[1])
            first = store.read(signal, min(start_ns, before), before, hold=hold)
            return Samples.joined([first, store.read(signal, min(after, end_ns), end_ns)])

        extent = extent_of(store, configuration.profile)
        plan = plan_of(configuration, empty=False)
        return find_verdict(configuration, read, extent, definition, plan, (), now_ns)


def test_a_fresh_store_knows_the_beam_since_its_first_sample(configuration: Configuration) -> None:
    standing = load_standing(configuration, FIRST + 28 * NS_PER_S)
    assert beam_line(standing).plain == "beam delivered since 2026-11-11 00:00:00 (28 s), unknown before"
    with in_language("ja"):
        assert beam_line(standing).plain.endswith("より前は不明")
    beam = status_document(standing)["beam"]
    assert (beam["since"], beam["since_after"]) == ("2026-11-11T00:00:00+09:00", "unknown")


def test_beam_after_a_hole_counts_from_the_first_sample_after_it(configuration: Configuration) -> None:
    hole = DUMP - 30 * MINUTE, DUMP - 27 * MINUTE
    verdict = verdict_with_hole(configuration, DUMP - MINUTE, hole)
    assert (verdict.state, verdict.after_unknown) == (BeamState.UP, True)
    assert verdict.since_ns is not None
    assert hole[1] <= verdict.since_ns <= hole[1] + 2 * NS_PER_S


def test_a_hole_in_one_outage_counts_where_no_rule_carries_the_outage_across(configuration: Configuration) -> None:
    hole, now_ns = (DUMP + 2 * MINUTE, DUMP + 5 * MINUTE), DUMP + 7 * MINUTE
    merging = DEFINITION.model_copy(update={"merge_gap_s": 3600.0})
    carried = verdict_with_hole(configuration, now_ns, hole, merging)
    assert (carried.state, carried.since_ns, carried.after_unknown) == (BeamState.NONE, DUMP, False)
    cut = verdict_with_hole(configuration, now_ns, hole)
    assert (cut.state, cut.after_unknown) == (BeamState.NONE, True)
    assert cut.since_ns is not None
    assert hole[1] <= cut.since_ns <= hole[1] + 2 * NS_PER_S


def test_only_beam_that_was_there_where_the_look_back_ends_has_been_there_for_longer(
    configuration: Configuration,
) -> None:
    standing = load_standing(configuration, DUMP - MINUTE)
    assert beam_line(standing).plain == "beam delivered for more than 2:00:00"
    standing = load_standing(configuration, FIRST + NS_PER_H)
    assert beam_line(standing).plain.endswith("since 2026-11-11 00:00:00 (60 min), unknown before")


def test_an_outage_that_began_before_the_look_back_has_its_own_beginning(configuration: Configuration) -> None:
    now_ns = DUMP + 3 * NS_PER_H
    times = np.arange(DUMP, now_ns, NS_PER_S, dtype=np.int64)
    current, facility = configuration.profile.delivery_signal, configuration.profile.id
    batch = Batch.build(facility, (current,), np.zeros(len(times), np.int32), times, value=np.zeros(len(times)))
    low = join_by_signal([batch])[current]

    def read(signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        if signal != current:
            return Samples.empty(facility, signal)
        return low.between(start_ns - (NS_PER_S if hold else 0), end_ns)

    plan = plan_of(configuration, empty=True)
    verdict = find_verdict(configuration, read, (DUMP, now_ns), DEFINITION, plan, (), now_ns)
    assert (verdict.state, verdict.since_ns, verdict.after_unknown) == (BeamState.NONE, DUMP, True)


def test_a_running_service_says_the_same_across_days(configuration: Configuration) -> None:
    def live(store: TelemetryStore, now_ns: int) -> tuple[int | None, bool]:
        extent = extent_of(store, configuration.profile)
        found = LiveCalculator(configuration, store, load_record(configuration), DEFINITION, extent).compute(now_ns)
        return found.since_ns, found.after_unknown

    with open_store(configuration) as store:
        assert live(store, FIRST + 28 * NS_PER_S) == (FIRST, True)
        assert live(store, DUMP - MINUTE) == (FIRST, True)
        assert live(store, DUMP + MINUTE) == (DUMP, False)


@pytest.mark.parametrize(
    ("language", "screen", "page"),
    [
        ("en", "since 11-11 00:00:00 (28 s), unknown before", "since 00:00 (28 s), unknown before"),
        ("ja", "より前は不明", "より前は不明"),
    ],
)
def test_screen_and_page_say_that_nothing_is_known_before(
    configuration: Configuration, language: str, screen: str, page: str
) -> None:
    now_ns = FIRST + 28 * NS_PER_S
    profile, plan = configuration.profile, plan_of(configuration, empty=False)
    with open_store(configuration) as store:
        calculator = LiveCalculator(
            configuration, store, load_record(configuration), DEFINITION, extent_of(store, profile)
        )
        figures = calculator.compute(now_ns)
    view = LiveView(profile, DEFINITION, plan, now_ns, newest=None, figures=figures, totals=(), links=())
    document = {"time": format_time(now_ns, profile.zone), "beam": _document(figures, profile.zone)}
    shown = Shown()
    with in_language("ja" if language == "ja" else "en"):
        assert _since(view).endswith(screen)
        _beam(document, shown)
    assert shown.texts["beam.since"].endswith(page)
