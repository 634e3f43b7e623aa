"""The answer key tells what happened, closes, and agrees with what kado finds."""

from datetime import date
from pathlib import Path

import pytest

from facility.batch import Batch, Samples
from facility.definition import load_definition
from facility.errors import FormatVersionError, ScenarioError, UsageError
from facility.period import Period
from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_S, format_time, local_midnight, parse_time
from one_period import availability
from simulators.answer_key import AnswerKey
from simulators.machine import Machine
from simulators.scenario import load_scenario

PROFILE = load_profile("nanoterasu_sim")
HEAD = 'id = "own"\ntitle = { en = "Own", ja = "自作" }\n'


def machine(scenario: str = "demo", seed: int = 1) -> Machine:
    return Machine(PROFILE, load_scenario(scenario), seed)


def own_machine(tmp_path: Path, *faults: tuple[str, str, str, float], **more: str | float) -> Machine:
    """Make a machine with faults (cause, effect, start, seconds); `more` is said of each."""
    said = "".join(f"{name} = {value!r}\n" for name, value in more.items())
    tables = [
        f'[[fault]]\ncause = "{cause}"\neffect = "{effect}"\nat = [{start}+09:00]\n'
        f"length_s = {{ median = {length}, spread = 1, min = {length}, max = {length} }}\n{said}"
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


def test_a_dropout_marked_bad_is_unknown_once_the_last_good_sample_has_gone_stale_and_the_beam_was_up(
    tmp_path: Path,
) -> None:
    bad = own_machine(tmp_path, ("adc", "monitor_dropout", "2026-11-12T12:00:00", 300), reads="bad")
    key = bad.answer_key(*WEEK)
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


def test_a_dropout_to_zero_marked_good_is_a_sensor_fault_from_its_first_sample_on(tmp_path: Path) -> None:
    key = own_machine(tmp_path, ("adc", "monitor_dropout", "2026-11-12T12:00:00", 300)).answer_key(*WEEK)
    (unknown,) = key.unknown
    assert key.sensor_faults == key.unknown
    assert (unknown.cause, local(unknown.start), local(unknown.end)) == ("adc", "12:00:00", "12:05:00")
    assert (key.counts.sensor_faults, key.counts.failures, key.outages, key.hidden) == (1, 0, (), ())


def test_a_dropout_of_both_monitors_is_an_outage_that_never_was(tmp_path: Path) -> None:
    both = own_machine(
        tmp_path,
        ("adc", "monitor_dropout", "2026-11-12T12:00:00", 300),
        ("adc", "witness_fault", "2026-11-12T12:00:00", 300),
    )
    key = both.answer_key(*WEEK)
    assert (key.counts.failures, key.counts.sensor_faults) == (1, 0)
    assert [(h.truth, h.cause, local(h.start), local(h.end)) for h in key.hidden] == [
        ("beam", "adc", "12:00:00", "12:05:00")
    ]


def test_a_dump_during_a_dropout_is_known_from_where_the_witness_sees_it(tmp_path: Path) -> None:
    key = own_machine(
        tmp_path,
        ("adc", "monitor_dropout", "2026-11-12T12:00:00", 300),
        ("rf", "beam_dump", "2026-11-12T12:02:03", 300),
    ).answer_key(*WEEK)
    (outage,) = key.outages
    (unknown,) = key.unknown
    assert (local(unknown.start), local(unknown.end)) == ("12:00:00", "12:02:10")
    assert (local(outage.start), outage.cause) == ("12:02:10", "rf")


def test_a_witness_that_is_stuck_makes_a_true_outage_a_sensor_fault(tmp_path: Path) -> None:
    stuck = own_machine(
        tmp_path,
        ("rf", "beam_dump", "2026-11-12T12:00:00", 300),
    )
    path = tmp_path / "own.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + '[[fault]]\ncause = "adc"\neffect = "witness_fault"\nreads = "stuck"\n'
        "at = [2026-11-12T11:00:00+09:00]\nlength_s = { median = 36000, spread = 1, min = 60, max = 36000 }\n",
        encoding="utf-8",
    )
    stuck = machine(str(path))
    key = stuck.answer_key(*WEEK)
    assert (key.outages, key.counts.sensor_faults) == ((), 1)
    assert key.accounts_s.unknown > 1500


def test_a_frozen_monitor_hides_a_dump_and_the_key_knows_it(tmp_path: Path) -> None:
    frozen = own_machine(
        tmp_path,
        ("adc", "monitor_freeze", "2026-11-12T12:00:00", 7200),
        ("rf", "beam_dump", "2026-11-12T12:30:00", 300),
    )
    key = frozen.answer_key(*WEEK)
    (hidden,) = key.hidden
    assert (key.outages, key.unknown, hidden.truth, hidden.cause) == ((), (), "no_beam", "adc")
    assert (local(hidden.start), local(hidden.end)[:3]) == ("12:30:00", "12:")
    value = [v for _, v in _delivery(frozen, *span("2026-11-12T12:00", "2026-11-12T14:00"))]
    assert len(set(value)) == 1


def test_impossible_spikes_are_unknown_once_the_last_good_sample_is_stale_and_high_ones_change_nothing(
    tmp_path: Path,
) -> None:
    faults = ("adc", "monitor_spike", "2026-11-12T12:00:00", 60)
    impossible = own_machine(tmp_path, faults).answer_key(*WEEK)
    high = own_machine(tmp_path, faults, reads="high").answer_key(*WEEK)
    assert [(local(u.start), local(u.end)) for u in impossible.unknown] == [("12:00:09", "12:01:00")]
    assert (high.unknown, high.outages, high.accounts_s.delivered) == ((), (), 120 * 3600)


def test_a_clock_ahead_leaves_a_hole_and_what_follows_replaces_what_was_stamped_too_early(tmp_path: Path) -> None:
    ahead = own_machine(tmp_path, ("ntp", "clock_step", "2026-11-12T12:00:00", 600), shift_s=90)
    (unknown,) = ahead.answer_key(*WEEK).unknown
    assert (unknown.cause, local(unknown.start), local(unknown.end)) == ("ntp", "12:00:09", "12:01:30")
    batch = Batch.concat(list(ahead.history(*span("2026-11-12T12:00", "2026-11-12T12:30"))))
    assert len(batch) > len(_samples(ahead, *span("2026-11-12T12:00", "2026-11-12T12:30")))
    assert (batch.arrival_ns[1:] >= batch.arrival_ns[:-1]).all()


def test_a_clock_behind_moves_a_dump_to_before_it_happened(tmp_path: Path) -> None:
    behind = own_machine(tmp_path, ("ntp", "clock_step", "2026-11-12T12:00:00", 7200), shift_s=-120)
    path = tmp_path / "own.toml"
    dump = '[[fault]]\ncause = "rf"\neffect = "beam_dump"\nat = [2026-11-12T12:30:00+09:00]\n'
    dump += "length_s = { median = 300, spread = 1, min = 1, max = 300 }\n"
    path.write_text(path.read_text(encoding="utf-8") + dump, encoding="utf-8")
    behind = machine(str(path))
    key = behind.answer_key(*WEEK)
    assert [local(o.start) for o in key.outages] == ["12:28:00"]
    assert [(local(u.start), local(u.end)) for u in key.unknown] == [("13:58:09", "14:00:00")]
    assert [h.truth for h in key.hidden] == ["beam", "no_beam"]


@pytest.mark.parametrize("effect", ["duplicates", "out_of_order"])
def test_samples_sent_twice_or_late_change_nothing(tmp_path: Path, effect: str) -> None:
    faults = (("net", effect, "2026-11-12T08:00:00", 7200), ("rf", "beam_dump", "2026-11-12T09:00:00", 900))
    plain, disturbed = own_machine(tmp_path, faults[1]), own_machine(tmp_path, *faults)
    expected, found = plain.answer_key(*WEEK), disturbed.answer_key(*WEEK)
    assert found.accounts_s == expected.accounts_s
    batch = Batch.concat(list(disturbed.history(*span("2026-11-12T08:00", "2026-11-12T10:00"))))
    if effect == "duplicates":
        assert len(batch) > 1.2 * len(Batch.concat(list(plain.history(*span("2026-11-12T08:00", "2026-11-12T10:00")))))
    assert (batch.time_ns[1:] < batch.time_ns[:-1]).sum() > 1000


def test_a_forgotten_mode_disagrees_with_the_plan_until_somebody_remembers(tmp_path: Path) -> None:
    forgotten = own_machine(tmp_path, ("operator", "mode_forgotten", "2026-11-10T09:30:00", 3 * 3600))
    key = forgotten.answer_key(*WEEK)
    (mismatch,) = key.mode_mismatches
    assert (mismatch.planned.value, mismatch.said) == ("user", "tuning")
    assert (local(mismatch.start), local(mismatch.end)) == ("10:00:00", "12:30:00")
    assert (key.counts.mode_mismatches, key.accounts_s.delivered) == (1, 120 * 3600)


def test_a_dropout_shorter_than_the_hold_hides_nothing(tmp_path: Path) -> None:
    short = own_machine(tmp_path, ("adc", "monitor_dropout", "2026-11-12T12:00:00", 9), reads="bad")
    key = short.answer_key(*WEEK)
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


def test_an_outage_whose_end_a_lost_link_hides_ends_where_it_was_last_known(tmp_path: Path) -> None:
    hidden = own_machine(
        tmp_path,
        ("rf", "beam_dump", "2026-11-12T12:00:00", 600),
        ("switch", "link_outage", "2026-11-12T12:05:00", 7200),
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
    ("facility", "scenario", "seed", "start", "days"),
    [
        ("nanoterasu_sim", "demo", 3, "2026-10-01", 14),
        ("nanoterasu_sim", "demo", 8, "2025-12-20", 15),
        ("nanoterasu_sim", "ramp_to_400ma", 5, "2025-10-25", 14),
        ("nanoterasu_sim", "storm", 1, "2026-10-01", 14),
        ("nanoterasu_sim", "dcct_dropout", 1, "2026-11-09", 7),
        ("nanoterasu_sim", "frozen_value", 1, "2026-11-09", 7),
        ("nanoterasu_sim", "loose_cable", 1, "2026-11-11", 2),
        ("nanoterasu_sim", "forgotten_mode", 1, "2026-11-09", 7),
        ("nanoterasu_sim", "clock_step", 1, "2026-11-09", 7),
        ("nanoterasu_sim", "grid_failure", 1, "2026-11-09", 7),
        ("maxiv_sim", "demo", 1, "2026-10-01", 10),
        ("sirius_sim", "storm", 2, "2026-10-01", 10),
        ("spring8_sim", "injector_trip", 1, "2026-11-09", 7),
        ("sacla_sim", "rf_discharges", 1, "2026-10-05", 8),
        ("sacla_sim", "storm", 1, "2026-10-01", 10),
        ("mlf_sim", "target_stop", 1, "2026-11-09", 7),
        ("mlf_sim", "storm", 1, "2026-10-01", 10),
    ],
)
def test_kado_finds_what_happened(
    facility: str, scenario: str, seed: int, start: str, days: int, definition: str
) -> None:
    profile = load_profile(facility)
    simulated = Machine(profile, load_scenario(scenario), seed)
    begin = local_midnight(date.fromisoformat(start), profile.zone)
    _check_found(simulated, definition, begin, begin + days * NS_PER_DAY)


def _check_found(simulated: Machine, definition: str, begin: int, end: int) -> None:
    rules = load_definition(definition)
    profile = simulated.profile
    key = simulated.answer_key(begin, end, rules)
    recorded = dict(Batch.concat(list(simulated.history(begin, end))).by_signal())
    found = availability(
        profile,
        rules,
        simulated.plan(begin, end),
        recorded[profile.delivery_signal],
        Period("p", begin, end),
        now_ns=end,
        witness=recorded.get(profile.delivery.witness or ""),
        mode=recorded.get(profile.mode_signal or ""),
    )
    accounts = key.accounts_ns()
    assert {name: getattr(found.accounts, name) for name in accounts} == accounts
    assert accounts["user_time"] == accounts["delivered"] + accounts["no_beam"] + accounts["unknown"]
    assert {name: getattr(found.counts, name) for name in key.counts.model_dump()} == key.counts.model_dump()
    assert [(h.stretch.start_ns, h.fault_end_ns) for h in found.sensor_faults] == [
        (f.start, f.end) for f in key.sensor_faults
    ]


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
