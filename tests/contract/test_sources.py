"""What every kind of source does that listens to a control system, against real servers."""

import time
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from collector.source_loop import MAX_IN_FLIGHT
from facility.source import SINCE_LAST_COMMIT
from facility.time import NS_PER_S, system_clock
from source_benches import BENCHES, LIBRARY, Bench, just_now
from waiting import LONGEST_S, wait_for


@pytest.fixture(scope="module", params=BENCHES)
def running(request: pytest.FixtureRequest) -> Iterator[Bench]:
    kind: str = request.param
    if kind in LIBRARY and find_spec(LIBRARY[kind]) is None:
        pytest.skip(f"no {LIBRARY[kind]}: see the extras in pyproject.toml")
    bench = BENCHES[kind]()
    bench.start_server()
    yield bench
    bench.close()


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    yield running
    running.stop()


def measured(bench: Bench, time_ns: int) -> int:
    """Return a stamp as the protocol carries it."""
    return time_ns // bench.resolution_ns * bench.resolution_ns


def test_on_connecting_the_link_is_up_and_what_was_missed_before_is_a_gap(bench: Bench) -> None:
    started = system_clock()
    bench.read(bench.mapping("stored_current"))
    bench.connected()
    (link,) = [link for link in bench.links if link[1] == "up"][:1]
    assert started < link[0] < system_clock()
    # None of them keeps what it said while nobody listened.
    assert bench.gaps == [(SINCE_LAST_COMMIT, link[0], "not_replayable", 0)]


def test_every_sample_has_the_stamp_of_its_source_and_the_quality_that_its_source_gives_it(bench: Bench) -> None:
    bench.read(bench.mapping("beam_lifetime"), bench.mapping("machine_mode"))
    bench.connected()
    at = just_now()
    sent = [("beam_lifetime", at + i * NS_PER_S + 123_456_789, 7.0 + i / 4, "good") for i in range(5)]
    sent += [("beam_lifetime", at + 6 * NS_PER_S + 1000, 8.5, "uncertain")]
    for sample in sent:
        bench.let_out(sample)
        if not bench.every_update:
            wait_for(lambda sample=sample: sample[2] in [s[1] for s in bench.samples("beam_lifetime")])
    bench.let_out(("machine_mode", at + 7 * NS_PER_S, "study", "good"))
    wait_for(
        lambda: (
            "study" in [s[1] for s in bench.samples("machine_mode")]
            and len(bench.samples("beam_lifetime")) >= len(sent)
        )
    )
    expected = [(measured(bench, t), v, q, bench.reasons[q]) for _, t, v, q in sent]
    assert list(dict.fromkeys(bench.samples("beam_lifetime")))[-len(sent) :] == expected
    assert bench.samples("machine_mode")[-1] == (measured(bench, at + 7 * NS_PER_S), "study", "good", None)
    assert not bench.rejected


def test_a_sample_that_its_source_calls_invalid_is_bad(bench: Bench) -> None:
    bench.read(bench.mapping("rf_voltage"))
    bench.connected()
    at = just_now()
    bench.let_out(("rf_voltage", at, 3.5, "good"))
    wait_for(lambda: "good" in [s[2] for s in bench.samples("rf_voltage")])
    bench.let_out(("rf_voltage", at + NS_PER_S, 3.5, "bad"))
    wait_for(lambda: at + NS_PER_S in [s[0] for s in bench.samples("rf_voltage")])
    time_ns, _, quality, reason = bench.samples("rf_voltage")[-1]
    assert (time_ns, quality, reason) == (at + NS_PER_S, "bad", bench.reasons["bad"])


def test_units_and_words_are_converted_as_the_mapping_says(bench: Bench) -> None:
    bench.read(
        bench.mapping("stored_current", scale=0.5, offset=1.0),
        bench.mapping("machine_mode", words={"user": "study"}),
        bench.mapping("shutter_{port}", ports=["02", "04..05"], words={"open": "closed", "closed": "open"}),
    )
    bench.connected()
    at = just_now()
    bench.let_out(
        ("stored_current", at, 200.0, "good"),
        ("machine_mode", at, "user", "good"),
        ("shutter_02", at, "open", "good"),
        ("shutter_04", at, "closed", "good"),
        ("shutter_05", at, "open", "good"),
        ("shutter_06", at, "open", "good"),
    )
    signals = ("stored_current", "machine_mode", "shutter_02", "shutter_04", "shutter_05")
    wait_for(
        lambda: (
            [s[-1][1:3] for s in map(bench.samples, signals) if s]
            == [(101.0, "good"), ("study", "good"), ("closed", "good"), ("open", "good"), ("closed", "good")]
        )
    )
    assert not bench.samples("shutter_06", initial=True)


def test_a_word_that_the_profile_does_not_have_is_rejected_and_the_others_are_stored(bench: Bench) -> None:
    bench.read(bench.mapping("machine_mode", words={"tuning": "party"}), bench.mapping("stored_current"))
    bench.connected()
    at = just_now()
    bench.let_out(("machine_mode", at, "tuning", "good"), ("stored_current", at, 199.0, "good"))
    wait_for(lambda: bench.rejected and 199.0 in [s[1] for s in bench.samples("stored_current")])
    assert bench.rejected[0][0] == "unknown_state"
    assert "'party'" in bench.rejected[0][2]
    assert bench.samples("stored_current")[-1][1] == 199.0


def test_what_is_told_on_connecting_holds_from_then_on_though_it_was_measured_long_before(bench: Bench) -> None:
    at = just_now() - 3600 * NS_PER_S
    bench.let_out(("shutter_07", at, "open", "good"))
    started = system_clock()
    bench.read(bench.mapping("shutter_07"), bench.mapping("stored_current"))
    bench.connected()
    wait_for(lambda: len(bench.samples("shutter_07", initial=True)) >= 2)
    first, again = sorted(bench.samples("shutter_07", initial=True))[:2]
    assert first == (at, "open", "good", None)
    assert again[1:] == ("open", "good", "initial")
    assert started < again[0] < system_clock()


def test_a_server_that_is_killed_is_a_gap_with_true_edges_and_is_read_again_when_it_is_back(bench: Bench) -> None:
    bench.read(bench.mapping("stored_current"), bench.mapping("shutter_08"))
    bench.connected()
    before = system_clock()
    bench.let_out(("stored_current", before, 200.0, "good"), ("shutter_08", before, "open", "good"))
    wait_for(lambda: measured(bench, before) in [s[0] for s in bench.samples("stored_current")])
    killed = system_clock()
    bench.kill_server()
    wait_for(lambda: bench.links[-1][1] == "down")
    time_ns, _, reason = bench.links[-1]
    # The link was last known to be up when something was heard, not when the loss was noticed.
    assert before <= time_ns <= system_clock()
    assert time_ns <= killed + NS_PER_S
    assert reason
    wait_for(lambda: bench.reader.ask("status")["error"])
    assert "ring" in bench.reader.ask("status")["error"]
    time.sleep(0.5)
    assert bench.reader.ask("status")["failed"] is None
    bench.start_server()
    wait_for(lambda: bench.links[-1][1] == "up")
    up_ns = bench.links[-1][0]
    wait_for(lambda: bench.gaps and bench.gaps[-1] == (SINCE_LAST_COMMIT, up_ns, "not_replayable", 0))
    after = system_clock()
    bench.let_out(("stored_current", after, 201.0, "good"))
    wait_for(lambda: measured(bench, after) in [s[0] for s in bench.samples("stored_current")])
    assert bench.samples("stored_current")[-1][:3] == (measured(bench, after), 201.0, "good")
    assert bench.reader.ask("status")["connects"] == 2


def test_a_server_that_is_not_there_is_tried_again_for_ever_and_the_message_says_what_to_look_at(bench: Bench) -> None:
    bench.kill_server()
    bench.read(bench.mapping("stored_current"), connect_timeout_s=0.5)
    wait_for(lambda: bench.reader.ask("status")["error"])
    status = bench.reader.ask("status")
    assert "ring" in status["error"]
    assert status["failed"] is None
    bench.start_server()
    wait_for(lambda: bench.links and bench.links[-1][1] == "up")
    wait_for(lambda: bench.reader.ask("status")["state"] == "up")


def test_while_nothing_becomes_durable_memory_is_bounded_and_what_is_dropped_is_a_counted_gap(bench: Bench) -> None:
    options = {"max_waiting": 50} if bench.every_update else {}
    bench.read(bench.mapping("stored_current"), bench.mapping("orbit_x_rms"), **options)
    bench.connected()
    at = just_now()
    bench.reader.ask("hold")
    sent, at_once = 600, 20
    for begin in range(0, sent, at_once):
        bench.let_out(
            *(("stored_current", at + i * 1_000_000, float(i), "good") for i in range(begin, begin + at_once))
        )
        if not bench.every_update:
            # Long enough for it to have asked.
            time.sleep(0.06)
    time.sleep(0.5)
    bench.reader.ask("release")
    time.sleep(0.5)
    bench.let_out(("stored_current", at + NS_PER_S, 5000.0, "good"))
    wait_for(lambda: 5000.0 in [s[1] for s in bench.samples("stored_current")])
    kept = [s for s in bench.samples("stored_current") if (s[0] - at) / 1_000_000 == s[1]]
    dropped = [gap for gap in bench.gaps if gap[2] == "overflow"]
    if not bench.every_update:
        # While it waits it does not ask: kept are one that lands, what is in flight, one that waits to be, and what
        # the page said last. It has nothing to drop.
        assert 1 <= len(kept) <= MAX_IN_FLIGHT + 3
        assert dropped == []
        assert bench.samples("stored_current")[-1][1] == 5000.0
        return
    assert dropped
    assert sum(gap[3] for gap in dropped) + len(kept) == sent
    assert all(gap[0] < gap[1] for gap in dropped)


def test_it_stops_at_once_leaves_nothing_running_and_says_that_the_link_ended(bench: Bench) -> None:
    bench.read(bench.mapping("stored_current"))
    bench.connected()
    started = time.monotonic()
    bench.stop()
    assert time.monotonic() - started < LONGEST_S
    assert bench.links[-1][1:] == ("down", "stopped")
    # And reading begins again as if nothing had been.
    bench.read(bench.mapping("stored_current"))
    bench.connected()
