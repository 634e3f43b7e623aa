"""The answer key tells what happened, closes, and agrees with what kado finds."""

from pathlib import Path

import pytest

from analytics.availability import availability
from facility.batch import Batch, Samples
from facility.definition import load_definition
from facility.errors import FormatVersionError, ScenarioError, UsageError
from facility.period import Period
from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_S, format_time, parse_time
from simulators.answer_key import AnswerKey
from simulators.machine import Machine
from simulators.scenario import load_scenario

PROFILE = load_profile("nanoterasu_sim")
HEAD = 'id = "own"\ntitle = { en = "Own", ja = "自作" }\n'


def machine(scenario: str = "demo", seed: int = 1) -> Machine:
    return Machine(PROFILE, load_scenario(scenario), seed)


def own_machine(tmp_path: Path, *faults: tuple[str, str, str, float]) -> Machine:
    """Make a machine with faults (cause, effect, start, seconds)."""
    tables = [
        f'[[fault]]\ncause = "{cause}"\neffect = "{effect}"\nat = [{start}+09:00]\n'
        f"length_s = {{ median = {length}, spread = 1, min = {length}, max = {length} }}\n"
        for cause, effect, start, length in faults
    ]
    path = tmp_path / "own.toml"
    path.write_text(HEAD + "".join(tables), encoding="utf-8")
    return machine(str(path))


def span(start: str, end: str) -> tuple[int, int]:
    return parse_time(f"{start}+09:00"), parse_time(f"{end}+09:00")


def local(ns: int) -> str:
    return format_time(ns, PROFILE.zone)[11:19]


WEEK = span("2026-11-09T00:00", "2026-11-16T00:00")


def test_a_quiet_week_is_all_delivered() -> None:
    key = machine("quiet_week").answer_key(*WEEK)
    accounts = key.accounts_s
    assert (accounts.user_time, accounts.delivered) == (120 * 3600, 120 * 3600)
    assert (key.outages, key.low_beam, key.glitches, key.unknown, key.faults) == ((), (), (), (), ())
    assert [(c.state, c.cause) for c in key.beam] == [("up", "restored"), ("down", "planned"), ("up", "restored")]
    assert [p.category.value for p in key.planned] == ["study", "maintenance", "tuning", "user", "study"]


def test_a_dump_is_an_outage_from_the_first_sample_without_beam_to_the_first_with_enough() -> None:
    dump = machine("beam_dump")
    key = dump.answer_key(*WEEK)
    (outage,) = key.outages
    assert (outage.cause, local(outage.start)) == ("rf", "13:24:11")
    samples = [(t, v) for t, v in _delivery(dump, *WEEK) if outage.start <= t <= outage.end]
    assert samples[-1][1] >= 390.0
    assert max(v for _, v in samples[:-1]) < 390.0
    # 25 min of repair; 390 mA at 0.34 to 0.4 mA/s; three pauses of 2 min.
    assert 1500 + 390 / 0.4 + 360 < outage.user_time_s < 1500 + 390 / 0.34 + 375
    assert key.accounts_s.no_beam == outage.user_time_s == key.accounts_s.user_time - key.accounts_s.delivered
    assert key.counts.failures == 1


def test_without_injection_the_beam_is_low_from_below_tolerance_until_it_is_refilled(tmp_path: Path) -> None:
    low = own_machine(tmp_path, ("injector", "no_injection", "2026-11-12T12:00:00", 3600))
    key = low.answer_key(*WEEK)
    (event,) = key.low_beam
    assert event.cause == "injector"
    assert "12:08" < local(event.start) < "12:12"  # some 10 min from 400 to 390 mA
    assert "13:00" < local(event.end) < "13:04"
    assert key.accounts_s.low_beam == event.user_time_s
    assert key.accounts_s.delivered == key.accounts_s.user_time
    assert [c.state for c in key.beam[-2:]] == ["low", "up"]


def test_a_dropout_is_unknown_once_the_last_good_sample_has_gone_stale_and_the_beam_was_up(tmp_path: Path) -> None:
    key = own_machine(tmp_path, ("adc", "monitor_dropout", "2026-11-12T12:00:00", 300)).answer_key(*WEEK)
    (unknown,) = key.unknown
    # The last good sample is that of 11:59:59 and holds 10 s; the next one is that of 12:05:00.
    assert (unknown.cause, local(unknown.start), local(unknown.end)) == ("adc", "12:00:09", "12:05:00")
    assert key.accounts_s.unknown == 291
    assert [c.state for c in key.beam] == ["up", "down", "up"]  # the planned maintenance alone


def test_a_link_outage_is_unknown_likewise(tmp_path: Path) -> None:
    key = own_machine(tmp_path, ("switch", "link_outage", "2026-11-12T12:00:00.500", 60)).answer_key(*WEEK)
    (unknown,) = key.unknown
    assert (unknown.cause, local(unknown.start), local(unknown.end)) == ("switch", "12:00:10", "12:01:01")
    assert key.accounts_s.unknown == 51


def test_a_dropout_shorter_than_the_hold_hides_nothing(tmp_path: Path) -> None:
    key = own_machine(tmp_path, ("adc", "monitor_dropout", "2026-11-12T12:00:00", 9)).answer_key(*WEEK)
    assert (key.unknown, key.accounts_s.unknown) == ((), 0)


def test_a_glitch_costs_nothing_and_is_listed(tmp_path: Path) -> None:
    key = own_machine(tmp_path, ("adc", "monitor_glitch", "2026-11-12T12:00:00", 2)).answer_key(*WEEK)
    (glitch,) = key.glitches
    assert (glitch.cause, local(glitch.start), local(glitch.end)) == ("adc", "12:00:00", "12:00:02")
    assert key.accounts_s.delivered == key.accounts_s.user_time


def test_a_fault_that_begins_before_user_time_counts_from_its_start(tmp_path: Path) -> None:
    late = own_machine(tmp_path, ("vacuum", "beam_dump", "2026-11-10T08:00:00", 3 * 3600))
    (outage,) = late.answer_key(*WEEK).outages
    assert (outage.cause, local(outage.start)) == ("vacuum", "08:00:00")
    assert "11:22" < local(outage.end) < "11:26"
    user_start = parse_time("2026-11-10T10:00+09:00")
    assert outage.user_time_s == (outage.end - user_start) / NS_PER_S


def test_a_fault_outside_user_time_costs_nothing(tmp_path: Path) -> None:
    key = own_machine(tmp_path, ("rf", "beam_dump", "2026-11-15T12:00:00", 3600)).answer_key(*WEEK)
    assert (key.outages, key.accounts_s.no_beam, key.counts.failures) == ((), 0, 0)
    assert [(c.state, c.cause) for c in key.beam[-2:]] == [("down", "rf"), ("up", "restored")]


def test_an_outage_that_a_dropout_hides_the_end_of_ends_where_it_was_last_known(tmp_path: Path) -> None:
    hidden = own_machine(
        tmp_path,
        ("rf", "beam_dump", "2026-11-12T12:00:00", 600),
        ("adc", "monitor_dropout", "2026-11-12T12:05:00", 7200),
    )
    key = hidden.answer_key(*WEEK)
    (outage,) = key.outages
    (unknown,) = key.unknown
    assert (local(outage.start), local(outage.end), outage.user_time_s) == ("12:00:00", "12:05:09", 309)
    assert (local(unknown.start), local(unknown.end)) == ("12:05:09", "14:05:00")
    assert [local(c.time)[:4] for c in key.beam[-2:]] == ["12:0", "12:3"]  # the truth knows better


def test_two_dumps_within_the_merge_gap_are_one_failure_where_the_definition_says_so(tmp_path: Path) -> None:
    twice = own_machine(
        tmp_path,
        ("rf", "beam_dump", "2026-11-12T12:00:00", 600),
        ("vacuum", "beam_dump", "2026-11-12T13:00:00", 600),
    )
    apart, together = (twice.answer_key(*WEEK, load_definition(d)) for d in ("nanoterasu", "sls"))
    assert (apart.counts.failures, together.counts.failures) == (2, 1)
    first, second = together.outages
    assert together.accounts_s.no_beam == (second.end - first.start) / NS_PER_S


def test_an_outage_at_the_edges_of_the_period_is_cut(tmp_path: Path) -> None:
    dump = own_machine(tmp_path, ("rf", "beam_dump", "2026-11-12T12:00:00", 3600))
    before = dump.answer_key(*span("2026-11-12T11:00", "2026-11-12T12:30")).outages[0]
    after = dump.answer_key(*span("2026-11-12T12:30", "2026-11-12T15:00")).outages[0]
    assert (before.user_time_s, local(before.end), local(after.start)) == (1800, "12:30:00", "12:30:00")


@pytest.mark.parametrize("definition", ["nanoterasu", "sls"])
@pytest.mark.parametrize(
    ("scenario", "seed", "start", "days"),
    [("demo", 3, "2026-10-01", 31), ("demo", 8, "2025-12-20", 15), ("ramp_to_400ma", 5, "2025-10-25", 14)],
)
def test_kado_finds_what_happened(scenario: str, seed: int, start: str, days: int, definition: str) -> None:
    simulated = machine(scenario, seed)
    rules = load_definition(definition)
    begin = parse_time(f"{start}T00:00+09:00")
    end = begin + days * NS_PER_DAY
    key = simulated.answer_key(begin, end, rules)
    period = Period("week", begin, end)
    samples = _samples(simulated, begin, end)
    found = availability(PROFILE, rules, simulated.plan(begin, end), samples, period, now_ns=end)
    accounts = key.accounts_ns()
    assert {name: getattr(found.accounts, name) for name in accounts} == accounts
    assert accounts["user_time"] == accounts["delivered"] + accounts["no_beam"] + accounts["unknown"]
    counts = found.counts
    assert (counts.failures, counts.low_beam, counts.glitches) == (
        key.counts.failures,
        key.counts.low_beam,
        key.counts.glitches,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_last_month_of_the_demonstration_is_believable(seed: int) -> None:
    october = PROFILE.period("2026-10")
    key = machine(seed=seed).answer_key(october.start_ns, october.end_ns)
    accounts = key.accounts_s
    assert 98.5 < 100 * accounts.delivered / (accounts.delivered + accounts.no_beam) < 99.8
    assert accounts.unknown > 0
    assert len(key.outages) >= 2
    assert {u.cause for u in key.unknown} == {"current_monitor", "network"}


def test_an_answer_key_survives_its_file(tmp_path: Path) -> None:
    key = machine("beam_dump").answer_key(*WEEK)
    path = tmp_path / "key.json"
    key.write(path)
    assert AnswerKey.read(path) == key
    assert '"2026-11-12T04:24:11Z"' in path.read_text()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{}", UsageError, "is not an answer key: facility: Field required"),
        ("nonsense", UsageError, "is not an answer key"),
        ('{"format": 2}', FormatVersionError, "has format 2, this kado reads 1: simulate again"),
        (None, UsageError, "cannot be read"),
    ],
)
def test_what_is_no_answer_key_is_refused(
    tmp_path: Path, text: str | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error) as caught:
        AnswerKey.read(path)
    assert message in str(caught.value)


def test_a_period_before_the_first_limits_has_no_answers() -> None:
    with pytest.raises(ScenarioError, match="has no limits at 2020-01-01T00:00:00"):
        machine().answer_key(*span("2020-01-01T00:00", "2020-01-02T00:00"))


def _samples(simulated: Machine, start_ns: int, end_ns: int) -> Samples:
    batch = Batch.concat(list(simulated.history(start_ns, end_ns)))
    which = batch.signal == batch.signals.index("stored_current")
    return Samples.sorted(
        PROFILE.id, "stored_current", batch.time_ns[which], batch.value[which], quality=batch.quality[which]
    )


def _delivery(simulated: Machine, start_ns: int, end_ns: int) -> list[tuple[int, float]]:
    samples = _samples(simulated, start_ns, end_ns)
    return list(zip(samples.time_ns.tolist(), samples.value.tolist(), strict=True))
