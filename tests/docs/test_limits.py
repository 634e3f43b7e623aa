"""The page of limits says what the code has, and each limit has a test that reaches it."""

import re
from pathlib import Path

import pytest

from collector import changes, culprits
from collector.files import parquet_file, rejections
from collector.files.forms import epics_archiver, streams
from collector.landing_status import LandingLimits
from collector.payload import format as payload_format
from collector.sources.http.spec import HttpSource
from collector.sources.mqtt import inbox
from collector.sources.mqtt.spec import MqttSource
from facility.ics import rule
from storage.influxdb import exchange

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "limits.md").read_text()

LIMITS = {
    "MQTT payload": [MqttSource.model_fields["max_payload_bytes"].default, payload_format.KEPT_BYTES],
    "MQTT messages that wait": [inbox.LIMIT_MESSAGES, inbox.LIMIT_BYTES],
    "JSON array": [payload_format.KEPT_OF_ONE_PAYLOAD],
    "status page": [HttpSource.model_fields["max_bytes"].default],
    "reply of InfluxDB": [exchange.MAX_DOCUMENT_BYTES, exchange.MAX_ERROR_BYTES],
    "line of a CSV": [streams.MAX_LINE_BYTES],
    "object of an EPICS": [epics_archiver.MAX_OBJECT_BYTES],
    "Parquet": [parquet_file.PIECE_ROWS, parquet_file.PIECE_BYTES, parquet_file.MAX_TEXT_BYTES],
    "rules of repetition": [rule.MAX_DAYS],
    "dead letters": [rejections.MAX_DEAD_LETTERS],
    "samples of one commit": [vars(culprits)["_MOST_TRIALS"]],
    "what changed": [vars(changes)["_MOST"]],
    "`telemetry.db`": [LandingLimits().max_bytes],
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_the_one_of_the_page(what: str) -> None:
    (line,) = re.findall(rf"^\| {re.escape(what)}.*$", PAGE, re.MULTILINE)
    missing = [f"{n:,}" for n in LIMITS[what] if f"{n:,}" not in line]
    assert missing == []


REACHED = {
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
