"""The page of limits says what the code has, and each limit has a test that reaches it."""

import re
from pathlib import Path
from typing import Any

import pytest

from analytics import window
from collector import changes, failing_samples, source_loop
from collector.files import parquet_file, rejections
from collector.files.forms import epics_archiver, streams
from collector.landing_status import LandingLimits
from collector.payload import format as payload_format
from collector.payload import line_protocol
from collector.sources import mapping
from collector.sources.archiver import influxdb, postgresql
from collector.sources.archiver import spec as archiver
from collector.sources.epics_ca.spec import EpicsCaSource
from collector.sources.http.spec import HttpSource
from collector.sources.mqtt import inbox
from collector.sources.mqtt.spec import MqttSource
from facility import corrections, documents, schedule_csv, schedule_ics, word, written_text
from facility.alarms import rules as alarm_rules
from facility.ics import events, lines, rule, series
from facility.time import NS_PER_DAY
from kado.page import previews
from kado.page.access import bodies, gate, slow_clients
from kado.page.api import answers
from kado.page.routes import events_stream
from kado.queries import alarm_replay, samples
from kado.report import stamp
from kado.service import alarm_inbox
from kado.service.notification import alertmanager
from simulators import control
from simulators.outlets import request_body
from storage.embedded.archive import place
from storage.influxdb import exchange
from storage.telemetry_db import integrity
from storage.telemetry_db.dead_letters import DEFAULT_LIMITS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "limits.md").read_text()


def private(module: object, name: str) -> int:
    return vars(module)[name]


def default(model: type[Any], option: str) -> int:
    return int(model.model_fields[option].default)


LIMITS: dict[str, list[int]] = {
    "MQTT payload": [default(MqttSource, "max_payload_bytes"), payload_format.KEPT_BYTES],
    "MQTT messages that wait": [inbox.LIMIT_MESSAGES, inbox.LIMIT_BYTES],
    "JSON array": [payload_format.KEPT_OF_ONE_PAYLOAD],
    "line protocol": [private(line_protocol, "_MOST_DIGITS")],
    "updates of EPICS and Tango": [default(EpicsCaSource, "max_waiting")],
    "status page": [default(HttpSource, "max_bytes"), default(HttpSource, "timeout_s")],
    "words of a batch": [word.MAX_WORD_CHARACTERS],
    "kinds of rejection": [private(source_loop, "_MOST_KINDS")],
    "answer of an archive": [
        archiver.MAX_BYTES, default(archiver.ArchiverSource, "timeout_s"), private(influxdb, "_AT_ONCE"),
        private(postgresql, "_AT_ONCE"),
    ],
    "reply of InfluxDB": [
        exchange.MAX_DOCUMENT_BYTES, exchange.MAX_ERROR_BYTES, int(exchange.PATIENCE_S),
        int(exchange.SLOWEST_BYTES_PER_S),
    ],
    "mark of an archive": [place.MAX_SMALL_BYTES],
    "line of a CSV": [streams.MAX_LINE_BYTES],
    "object of an EPICS": [epics_archiver.MAX_OBJECT_BYTES],
    "Parquet": [parquet_file.PIECE_ROWS, parquet_file.PIECE_BYTES, parquet_file.MAX_TEXT_BYTES],
    "calendar file": [
        lines.MAX_BYTES, lines.MAX_LINES, lines.MAX_LINE_BYTES, schedule_ics.MAX_EVENTS, private(events, "_MAX_DATES"),
        series.MAX_OCCURRENCES,
    ],
    "rules of repetition": [rule.MAX_DAYS],
    "schedule as a table": [schedule_csv.MAX_BYTES],
    "kado.toml": [documents.MAX_BYTES, documents.MAX_LINE_LENGTH, documents.MAX_DEPTH],
    "alarm rules": [alarm_rules.MAX_BYTES],
    "mapping file": [mapping.MAX_CHARACTERS, private(mapping, "_MOST_PORTS")],
    "request to the page": [
        bodies.MAX_BYTES, int(bodies.BODY_S), int(slow_clients.REQUEST_S), slow_clients.MOST_CONNECTIONS,
        events_stream.MOST_STREAMS,
    ],
    "report that is verified": [stamp.MAX_BYTES],
    "reply of an Alertmanager": [private(alertmanager, "_MOST_REPLY")],
    "text that people write": [
        written_text.LONGEST_TEXT, written_text.LONGEST_REMARK, written_text.LONGEST_EVIDENCE,
        written_text.LONGEST_LINE,
    ],
    "period that the page": [gate.LONGEST_PERIOD_DAYS, private(samples, "_LONGEST_YEARS"), gate.LONGEST_QUERY],
    "history of the alarms": [gate.LONGEST_PERIOD_DAYS, answers.MOST_ALARM_ROWS, answers.MOST_ROWS_COUNTED],
    "replay of the alarm rules": [alarm_replay.LONGEST_REPLAY_DAYS],
    "what a change of the record": [int(previews.PREVIEW_S), window.OUTAGE_FOLLOWED_NS // NS_PER_DAY],
    "correction": [corrections.LONGEST_CORRECTION_NS // NS_PER_DAY],
    "request to a simulator": [control.MAX_LINE, int(control.ASKED_WITHIN_S)],
    "body of a request to a simulator": [request_body.MAX_BODY, int(request_body.BODY_S)],
    "dead letters": [rejections.MAX_DEAD_LETTERS, DEFAULT_LIMITS.max_letters, DEFAULT_LIMITS.max_bytes],
    "samples of one commit": [private(failing_samples, "_MOST_TRIALS")],
    "samples that wait for the alarms": [alarm_inbox.MOST_SAMPLES],
    "what changed": [private(changes, "_MOST")],
    "`telemetry.db`": [LandingLimits().max_bytes, int(integrity.LOOK_S)],
}  # fmt: skip


def test_each_limit_of_the_page_is_held_to_the_code() -> None:
    rows = re.findall(r"^\| ([^*|-][^|]*?) \|", PAGE, re.MULTILINE)[1:]
    assert [row for row in rows if not any(row.startswith(what) for what in LIMITS)] == []


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_the_one_of_the_page(what: str) -> None:
    (line,) = re.findall(rf"^\| {re.escape(what)}.*$", PAGE, re.MULTILINE)
    missing = [f"{n:,}" for n in LIMITS[what] if f"{n:,}" not in line]
    assert missing == []


REACHED = {
    "tests/analytics/test_corrections.py": ["test_a_correction_longer_than_the_limit_is_refused"],
    "tests/collector/sources/test_http_source.py": [
        "test_a_document_that_is_too_large_is_not_read",
        "test_a_server_that_answers_a_byte_at_a_time_is_given_up",
        "test_after_every_attack_the_next_document_is_read",
    ],
    "tests/collector/sources/test_archiver.py": ["test_an_answer_that_is_too_large_says_to_ask_for_less"],
    "tests/collector/sources/test_mapping.py": [
        "test_a_file_that_is_too_large_is_refused",
        "test_a_range_of_more_ports_than_the_limit_is_refused",
    ],
    "tests/collector/test_supervised_sources.py": [
        "test_of_more_kinds_of_rejection_than_the_limit_the_rest_is_counted_and_not_logged",
    ],
    "tests/kado/page/test_places.py": [
        "test_a_connection_beyond_the_limit_is_closed_and_a_place_that_is_left_is_given_again",
        "test_a_stream_beyond_the_limit_is_refused_and_a_place_that_is_left_is_given_again",
        "test_streams_leave_places_for_requests",
    ],
    "tests/kado/test_notification_answers.py": ["test_of_a_reply_no_more_is_read_than_the_limit"],
    "tests/simulators/outlets/test_http_json.py": [
        "test_a_body_that_states_more_than_the_limit_is_refused_before_it_is_read",
        "test_a_body_without_a_stated_length_is_read_up_to_the_limit",
        "test_a_body_that_does_not_come_is_given_up",
    ],
    "tests/collector/sources/test_monitor_reader.py": ["test_what_finds_the_queue_full_is_a_gap_with_its_number"],
    "tests/contract/test_sources.py": [
        "test_while_nothing_becomes_durable_memory_is_bounded_and_what_is_dropped_is_a_counted_gap",
    ],
    "tests/kado/page/test_previews.py": ["test_a_preview_ends_when_its_time_is_up"],
    "tests/kado/page/test_options.py": [
        "test_a_period_of_more_than_ten_years_is_refused_with_the_limit",
        "test_signals_of_more_than_forty_years_are_refused_with_the_limit",
    ],
    "tests/kado/page/test_alarms_over_the_page.py": [
        "test_more_than_ten_years_of_the_history_are_refused_with_the_limit",
        "test_more_rows_than_are_given_at_once_are_refused_with_their_number",
    ],
    "tests/kado/test_effect_of_a_correction.py": [
        "test_of_a_statement_of_the_beam_longer_than_three_months_the_effect_is_not_computed",
    ],
    "tests/kado/test_alarm_commands.py": ["test_a_replay_of_more_than_ten_years_is_refused_with_the_limit"],
    "tests/facility/test_written_text.py": [
        "test_a_text_that_is_too_long_is_refused_with_value_and_limit",
    ],
    "tests/storage/test_written_texts.py": ["test_a_text_is_refused_or_written_as_it_is"],
    "tests/facility/test_documents.py": ["test_a_document_larger_or_deeper_than_any_of_ours_is_refused"],
    "tests/facility/alarms/test_alarm_rules.py": ["test_a_file_larger_or_deeper_than_any_rules_is_refused"],
    "tests/facility/test_schedule_csv.py": [
        "test_a_file_that_is_too_large_or_not_utf_8_is_refused_with_the_limit_or_the_line",
    ],
    "tests/kado/page/test_access.py": [
        "test_a_body_of_a_gigabyte_is_refused_before_it_is_read",
        "test_a_body_without_a_stated_length_is_cut_off",
        "test_a_body_that_comes_too_slowly_is_given_up",
    ],
    "tests/system/test_page_behind_nginx.py": ["test_a_client_that_sends_its_request_slowly_is_closed"],
    "tests/collector/payload/test_payload_formats.py": ["test_an_oversized_payload_is_not_read_and_kept_cut"],
    "tests/collector/test_intake.py": [
        "test_as_many_words_as_samples_take_time_and_memory_of_the_samples_alone",
    ],
    "tests/storage/test_foreign_answers.py": ["test_a_body_without_end_takes_little_memory"],
    "tests/storage/test_influx_reading.py": ["test_memory_does_not_grow_with_what_is_read"],
    "tests/contract/test_mqtt_clients.py": [
        "test_a_backlog_far_larger_than_the_inbox_is_received_whole",
        "test_a_flood_that_nobody_could_repeat_is_dropped_only_with_its_count",
    ],
    "tests/collector/files/test_import_parquet.py": [
        "test_a_text_that_is_there_thousands_of_times_is_in_memory_once_and_refused",
        "test_texts_longer_than_any_of_kados_are_refused_before_they_are_read",
    ],
    "tests/collector/files/test_import_csv.py": ["test_a_file_without_lines_is_not_taken_for_csv"],
    "tests/collector/files/test_import_forms.py": ["test_json_that_is_not_an_archivers_is_refused"],
    "tests/kado/test_alarms_in_the_service.py": [
        "test_an_inbox_that_is_full_drops_the_oldest_counts_them_and_says_so",
    ],
    "tests/storage/test_archive_places.py": ["test_a_mark_that_cannot_be_read_is_taken_for_another_stores"],
    "tests/simulators/test_control.py": ["test_who_says_nothing_or_never_ends_is_cut_off"],
    "tests/facility/test_schedule_ics.py": [
        "test_a_file_that_is_too_large_or_repeats_too_much_is_refused_with_the_limit",
        "test_an_endless_rule_costs_no_more_than_the_span_that_is_asked_for",
    ],
    "tests/collector/test_changes.py": ["test_too_many_stretches_become_one_that_holds_them_all"],
    "tests/collector/test_landing.py": [
        "test_a_full_file_makes_sources_wait_until_there_is_space",
        "test_the_oldest_dead_letters_go_and_their_count_stays",
    ],
}


@pytest.mark.parametrize(
    ("path", "names"), REACHED.items(), ids=lambda one: Path(one).stem if isinstance(one, str) else ""
)
def test_each_limit_is_reached_by_a_test(path: str, names: list[str]) -> None:
    text = (ROOT / path).read_text()
    assert [name for name in names if f"def {name}(" not in text] == []
