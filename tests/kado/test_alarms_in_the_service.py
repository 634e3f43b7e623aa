"""Alarms as the service keeps them: fed by what is durable, state and rows in one transaction."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from analytics.alarms.rows import from_rows, to_rows
from collector.arrival import Arrival
from command_line import Kado
from facility.alarms import Action, ActionKind, AlarmState, Cause, Transition
from facility.batch import Batch
from facility.definition import load_definition
from facility.errors import UnreachableError
from facility.schedule import Category
from facility.time import format_time
from kado.config import Configuration, load_configuration
from kado.journal import open_alarm_journal
from kado.queries.alarms import alarm_document, load_alarms, load_history
from kado.queries.record import load_plan
from kado.service.alarm_actions import act, answer_document
from kado.service.alarm_facts import FactSources, mode_agreement
from kado.service.alarm_inbox import AlarmInbox
from kado.service.alarms import Alarms
from kado.service.metrics.alarm_exposition import AlarmExposition
from kado.service.notification.notice import Notice
from kado.service.notification.outbox import Outbox
from storage.journal.alarms import AlarmJournal
from storage.telemetry_db.alarm_notifications import NotificationFile
from storage.telemetry_db.alarms import AlarmStateFile, read_alarm_state

SECOND = 1_000_000_000
T0 = 1_790_000_000 * SECOND

RULES = """
[[alarm]]
id = "low"
title = { en = "Low", ja = "低" }
priority = "high"
class = "beam"
consequence = { en = "c", ja = "c" }
action = { en = "a", ja = "a" }
respond_within_s = 600
on_delay_s = 3
when = { kind = "limit", signal = "stored_current", below = 10.0 }
"""


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now_ns = T0

    def __call__(self) -> int:
        return self.now_ns


class Service:
    """The alarms of a service, without the rest of it."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        def status() -> None:
            raise UnreachableError("no service around it")

        self.clock = clock
        self.alarms = Alarms(configuration, clock, FactSources(status, lambda: None))  # type: ignore[arg-type]  # a stand-in with what is asked of it
        self.rows: list[Transition] = []
        self.alarms.listeners.append(self)

    def changed(self, transitions: object, engine: object) -> None:
        self.rows += transitions  # type: ignore[operator]  # a list here

    def send(self, at_s: float, value: float) -> None:
        batch = Batch.of_numbers("nanoterasu_sim", "stored_current", [T0 + round(at_s * SECOND)], [value])
        self.alarms.inbox.landed([Arrival("ring", batch)], 0.0)

    def look(self, at_s: float) -> None:
        self.clock.now_ns = T0 + round(at_s * SECOND)
        self.alarms.look()

    def state(self) -> AlarmState:
        assert self.alarms.engine is not None
        return self.alarms.engine.record("low").shown


Start = Callable[[], Service]


@pytest.fixture
def start(kado: Kado, tmp_path: Path) -> Iterator[Start]:
    """Start a service on the same folder, as often as wanted; what ran before counts as killed."""
    assert kado("init").exit_code == 0
    with Path("kado.toml").open("a") as file:
        file.write('\n[alarms]\nrules = ["alarms.toml"]\n')
    Path("alarms.toml").write_text(RULES)
    Path("data").mkdir()
    clock, services = Clock(), list[Service]()

    def started() -> Service:
        services.append(Service(load_configuration(), clock))
        return services[-1]

    yield started
    for service in services:
        service.alarms.close()


def test_an_alarm_is_raised_journaled_and_told_to_who_listens(start: Start) -> None:
    service = start()
    service.look(0)
    service.send(1, 200.0)
    service.send(2, 0.0)
    service.look(4)
    assert service.state() is AlarmState.NORMAL
    service.look(7)
    assert [(t.time_ns - T0, t.cause) for t in service.rows if t.journaled] == [(5 * SECOND, Cause.RAISED)]
    history = load_history(load_configuration(), None, T0 + 60 * SECOND, None)
    assert history.rows == tuple(t for t in service.rows if t.journaled)
    assert load_alarms(load_configuration(), service.clock()).engine.record("low").shown is AlarmState.UNACKED


def test_after_a_kill_everything_goes_on_with_its_hole_and_no_row_is_doubled(start: Start) -> None:
    service = start()
    service.look(0)
    service.send(1, 0.0)
    service.look(6)
    assert service.state() is AlarmState.UNACKED
    again = start()
    again.look(30)
    assert again.state() is AlarmState.UNACKED
    again.send(29, 200.0)
    again.look(33)
    assert again.state() is AlarmState.RTN_UNACKED
    history = load_history(load_configuration(), T0, T0 + 60 * SECOND, None)
    assert [(t.seq, t.cause) for t in history.rows] == [(1, Cause.RAISED), (2, Cause.CLEARED)]
    assert history.holes == ((T0 + 5 * SECOND, T0 + 29 * SECOND),)


def test_rows_that_were_not_copied_before_a_kill_are_copied_after_it_and_seen_before(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start()
    service.look(0)
    monkeypatch.setattr(service.alarms, "_copy", lambda: None)
    service.send(1, 0.0)
    service.look(6)
    configuration = load_configuration()
    with open_alarm_journal(configuration) as journal:
        assert journal.transitions() == ()
    assert len(load_history(configuration, None, T0 + 60 * SECOND, None).rows) == 1
    start().look(7)
    with open_alarm_journal(configuration) as journal:
        assert [t.cause for t in journal.transitions()] == [Cause.RAISED]


def test_a_commit_that_fails_is_tried_again_with_the_same_samples(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start()
    service.look(0)
    service.send(1, 0.0)

    def full(*_: object, **__: object) -> None:
        raise UnreachableError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(AlarmStateFile, "commit", full)
        service.look(6)
        assert service.rows == []
    service.look(7)
    assert [t.time_ns - T0 for t in service.rows if t.journaled] == [4 * SECOND]


def test_actions_take_effect_once_and_are_answered(start: Start) -> None:
    service = start()
    service.look(0)
    service.send(1, 0.0)
    service.look(6)
    configuration = load_configuration()
    with open_alarm_journal(configuration) as journal:
        assert journal.actions() == ()
    # The journal stamps with the real clock, so the alarms' clock goes there.
    answer = act(configuration, [Action("low", ActionKind.ACK, "mori", 0)])[0]
    assert not answer.answered
    at_s = (answer.action.recorded_at_ns - T0) / SECOND
    service.send(at_s, 0.0)
    service.look(at_s + 2)
    service.look(at_s + 3)
    assert service.state() is AlarmState.ACKED
    assert [t.by for t in service.rows if t.cause is Cause.ACKNOWLEDGED] == ["mori"]
    again = start()
    again.look(at_s + 5)
    again.look(at_s + 9)
    assert again.rows == []
    document = answer_document(configuration, answer)
    assert (document["accepted"], document["refused"], document["state"]) == (False, None, None)


def test_a_refused_action_is_answered_with_its_reason(start: Start) -> None:
    service = start()
    service.look(0)
    configuration = load_configuration()
    (unanswered,) = act(configuration, [Action("nope", ActionKind.ACK, "mori", 0)])
    at_s = (unanswered.action.recorded_at_ns - T0) / SECOND
    service.look(at_s + 2)
    service.look(at_s + 3)
    with open_alarm_journal(configuration) as journal:
        assert [reason.value for reason in journal.refusals([unanswered.action.id]).values()] == ["unknown_alarm"]


def test_a_clock_that_was_put_back_is_a_restart_without_a_hole(start: Start) -> None:
    service = start()
    service.look(100)
    service.look(97)
    assert service.alarms.counts.clock_back == 1
    service.look(50)
    assert service.alarms.engine is not None
    assert service.alarms.engine.position_ns == T0 + 49 * SECOND
    with open_alarm_journal(load_configuration()) as journal:
        assert [w.kind for w in journal.watches()] == ["start", "clock"]


def test_rules_are_read_again_and_a_file_that_does_not_load_keeps_the_old_ones(start: Start) -> None:
    service = start()
    service.look(0)
    service.send(1, 0.0)
    service.look(6)
    Path("alarms.toml").write_text("[[alarm]]")
    service.alarms.request_reload()
    service.look(8)
    assert service.state() is AlarmState.UNACKED
    rows, _ = read_alarm_state(load_configuration().data_dir, "nanoterasu_sim")
    assert "is missing" in json.loads(rows["service"])["reload"]["error"]
    Path("alarms.toml").write_text(RULES.replace('id = "low"', 'id = "other"'))
    service.alarms.request_reload()
    service.look(9)
    service.look(11)
    assert service.rows[-2].cause is Cause.RULE_REMOVED
    assert service.alarms.engine is not None
    assert [r.id for r in service.alarms.engine.rules.rules] == ["other"]
    again = start()
    again.look(20)
    assert again.alarms.engine is not None
    assert [r.id for r in again.alarms.engine.rules.rules] == ["other"]


def test_what_is_on_disk_is_the_engine_after_every_look(start: Start) -> None:
    service = start()
    for second in range(25):
        service.send(second, 200.0 if second % 7 else 0.0)
        service.look(second + 0.5)
        engine = service.alarms.engine
        assert engine is not None
        rows, _ = read_alarm_state(load_configuration().data_dir, "nanoterasu_sim")
        kept = to_rows(from_rows(rows, engine.rules.table))
        whole = to_rows(engine)
        # What number series hold is written each ten seconds only; the store has the newest of them.
        assert {k: v for k, v in kept.items() if k != "series stored_current"} == {
            k: v for k, v in whole.items() if k != "series stored_current"
        }


def test_the_list_shows_the_newest_value_of_an_active_alarm_and_some_value_of_every_alarm_that_is_known(
    start: Start,
) -> None:
    service, configuration = start(), load_configuration()
    shown: list[tuple[AlarmState, float | None]] = []
    for second in range(1, 40):
        service.send(second, 200.0 + second if second < 20 else second / 10)
        service.look(second + 1.5)
        standing = load_alarms(configuration, service.clock())
        document = alarm_document(standing, standing.engine.rules.by_id["low"])
        shown.append((AlarmState(document["state"]), document["value"]))
    assert [value for state, value in shown if state is AlarmState.NORMAL and (value is None or value < 2)] == []
    active = [value for state, value in shown if state is AlarmState.UNACKED]
    assert active == [second / 10 for second in range(40 - len(active), 40)]
    assert len(active) > 12


def test_a_user_block_that_is_cancelled_at_short_notice_disarms_a_rule_and_stays_user_time_in_the_accounts(
    kado: Kado, start: Start
) -> None:
    Path("alarms.toml").write_text(RULES + 'in_plan = ["user"]\n')

    def planned(category: str, start_s: int, published_s: int) -> None:
        times = (format_time(T0 + s * SECOND) for s in (start_s, 4 * 3600, published_s))
        begins, ends, published = times
        Path("plan.csv").write_text(f"start,end,category,published_at\n{begins},{ends},{category},{published}\n")
        assert kado("schedule", "import", "plan.csv").exit_code == 0

    planned("user", -3600, -30 * 86_400)
    service, configuration = start(), load_configuration()
    service.look(0)
    service.send(1, 0.0)
    service.look(6)
    assert service.state() is AlarmState.UNACKED
    planned("maintenance", 60, 20)
    service.send(59, 0.0)
    service.look(60.5)
    assert service.state() is AlarmState.UNACKED
    service.look(61.5)
    assert service.state() is AlarmState.SUPPRESSED
    assert [(t.time_ns - T0, t.by) for t in service.rows if t.cause is Cause.SUPPRESSED] == [(60 * SECOND, "plan")]
    notice_ns = load_definition(configuration.profile.definition).notice_ns
    assert load_plan(configuration, notice_ns=notice_ns).category_at(T0 + 120 * SECOND) is Category.USER


def test_an_inbox_that_is_full_drops_the_oldest_counts_them_and_says_so() -> None:
    woken: list[int] = []
    inbox = AlarmInbox(lambda: woken.append(1), most=3)
    batches = [Batch.of_numbers("f", "x", [t, t + 1], [0.0, 0.0]) for t in (0, 2, 4)]
    inbox.landed([Arrival("s", batch) for batch in batches], 0.0)
    assert inbox.take() == ([batches[2]], True)
    assert (inbox.dropped, woken) == (4, [1])
    assert inbox.take() == ([], False)


@pytest.mark.parametrize(
    ("planned", "mode", "fact"),
    [
        (Category.USER, "user", "agrees"),
        (Category.USER, "refill", "agrees"),
        (Category.RESERVE, "user", "agrees"),
        (Category.USER, "study", "contradicts"),
        (Category.UNSCHEDULED, "user", None),
        (Category.USER, None, None),
        (Category.USER, "injector test", None),
        (None, "user", None),
    ],
)
def test_mode_and_plan_are_compared_only_where_both_speak(planned: Category, mode: str, fact: str) -> None:
    assert mode_agreement(planned, mode) == fact


def exposed(service: Service) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample of the alarms' metrics, without the facility, as Prometheus would read it."""
    registry = CollectorRegistry()
    registry.register(AlarmExposition(service.alarms, "nanoterasu_sim"))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for sample in (s for family in families for s in family.samples):
        assert sample.labels.pop("facility") == "nanoterasu_sim"
        found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def test_prometheus_reads_what_the_alarms_did(start: Start) -> None:
    Path("alarms.toml").write_text(RULES.replace("on_delay_s = 3", "on_delay_s = 0"))
    service = start()
    service.look(0)
    of_low = frozenset({("alarm", "low"), ("priority", "high"), ("class", "beam")})
    for n in range(11):
        # Raised eleven times in ten minutes, the last three within a minute.
        at = 30 * n
        service.send(at + 1, 0.0)
        service.send(at + 2, 200.0)
        service.look(at + 10)
        assert exposed(service)["kado_alarm_flood", frozenset()] == 0.0 if n < 10 else 1.0
    with AlarmJournal.open(Path("data/journal.db"), "nanoterasu_sim", service.clock) as journal:
        journal.add_actions([Action("low", ActionKind.UNACK, "mori", 0, "r"), Action("no", ActionKind.ACK, "mori", 0)])
    service.look(312)
    found = exposed(service)
    assert found["kado_alarm_annunciations_total", of_low] == 11.0
    assert found["kado_alarm_refusals_total", frozenset({("reason", "not_acknowledged")})] == 1.0
    assert found["kado_alarm_refusals_total", frozenset({("reason", "unknown_alarm")})] == 1.0
    assert found["kado_alarm_tick_seconds_count", frozenset()] == 13.0
    assert found["kado_alarm_tick_seconds_bucket", frozenset({("le", "+Inf")})] == 13.0
    assert found["kado_alarms_chattering", frozenset()] == 0.0
    assert found["kado_alarm_position_timestamp_seconds", frozenset()] == (T0 + 311 * SECOND) / SECOND
    # Known: what is on this disk. Unknown and so absent: what only a running service says.
    names = {dict(labels)["name"] for name, labels in found if name == "kado_fact"}
    assert {"disk_free_pct", "alarms_unknown"} <= names
    assert "landing_fill_pct" not in names
    # A flood that began before a restart is one after it.
    again = start()
    again.look(313)
    again.look(314)
    assert exposed(again)["kado_alarm_flood", frozenset()] == 1.0
    assert ("kado_alarm_annunciations_total", of_low) not in exposed(again)


def test_a_flood_goes_on_over_a_restart_and_a_new_target_gets_an_active_alarm_with_its_next_change(
    start: Start,
) -> None:
    Path("alarms.toml").write_text(RULES.replace("on_delay_s = 3", "on_delay_s = 0").replace('"high"', '"low"'))

    def started() -> Service:
        service = start()
        configuration = load_configuration()
        settings = configuration.settings.alarms
        assert settings is not None
        service.alarms.outbox = Outbox(configuration, settings)
        return service

    def written() -> list[tuple[str, bool]]:
        configuration = load_configuration()
        file = NotificationFile.open(configuration.data_dir, configuration.profile.id, "embedded", T0)
        try:
            rows = file.waiting("room")
        finally:
            file.close()
        return [(notice.kind.value, notice.flood) for notice in (Notice.from_json(row.text) for row in rows)]

    service = started()
    service.look(0)
    for n in range(11):
        at = 30 * n
        service.send(at + 1, 0.0)
        service.send(at + 2, 200.0)
        service.look(at + 10)
    service.send(331, 0.0)
    service.look(335)
    with Path("kado.toml").open("a") as file:
        file.write('[[alarms.target]]\nid = "room"\nkind = "alertmanager"\nurl = "http://127.0.0.1:9"\n')
    again = started()
    again.look(336)
    again.look(337)
    # Active when the target came: it gets the next change.
    assert again.state() is AlarmState.UNACKED
    assert written() == []
    again.send(338, 200.0)
    again.look(340)
    again.send(361, 0.0)
    again.look(365)
    # Twelve raises before the restart: what is raised after it still belongs to the flood.
    assert written() == [("over", True), ("raised", True)]


def test_an_alarm_that_is_raised_three_times_in_a_minute_is_counted_as_chattering(start: Start) -> None:
    Path("alarms.toml").write_text(RULES.replace("on_delay_s = 3", "on_delay_s = 0"))
    service = start()
    service.look(0)
    for at in (1, 3, 5):
        service.send(at, 0.0)
        service.send(at + 1, 200.0)
    service.look(8)
    assert exposed(service)["kado_alarms_chattering", frozenset()] == 1.0
