"""Dead letters are listed, shown, and read once more when what rejected them was corrected."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from collector.arrival import Arrival
from collector.causes import Cause, words_of
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from collector.source_loop import NOT_REPLAYABLE
from collector.sources.monitor_reader import OVERFLOW as MONITOR_OVERFLOW
from collector.sources.mqtt.reader import OVERFLOW, SESSION_LOST
from command_line import Kado
from facility.batch import Batch
from facility.source import GapReport, Rejection
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db.delivered import BY_BUCKET
from storage.telemetry_db.gaps import LOST_BY_DISK
from storage.telemetry_db.settlement import BEYOND_RETENTION, CORRUPT, REFUSED

FACILITY = "nanoterasu_sim"
T = 1_795_431_969_000_000_000
CONFIGURATION = """
facility = "nanoterasu_sim"
[[source]]
id = "ring"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
  [[source.signal]]
  topic = "ring/current"
  signal = "stored_current"
"""
MAPPED = CONFIGURATION + '  [[source.signal]]\n  topic = "ring/other"\n  signal = "stored_current_2"\n'
LETTERS = (
    Rejection("unknown_topic", "ring/other", b'{"time": %d, "value": 200.5}' % T, "no signal is mapped", T),
    Rejection("unknown_topic", "ring/other", b'{"time": %d, "value": NaN}' % (T + 1), "no signal is mapped", T),
    Rejection(
        "unknown_state", "machine_mode",
        json.dumps([{"signal": "machine_mode", "time": T, "value": "user", "quality": "good"}]).encode(), "no state", T,
    ),
    Rejection("bad_json", "ring/other", b"\xff\xfe", "not JSON", T),
    Rejection("oversized", "ring/current", b"[" * 64 * 1024, "cut", T),
    Rejection(
        "refused_by_store", "stored_current",
        b'telemetry,facility=nanoterasu_sim,signal=stored_current value=7,quality="good" %d\n' % T, "refused", T,
    ),
    Rejection("bad_row", "file.csv:7", b"not a payload", "of a file", T),
)  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("kado.toml").write_text(CONFIGURATION, encoding="utf-8")
    gap = GapReport(T, T + 10**9, "session_lost", 3)
    with Landing.open(Path("data"), FACILITY, "embedded") as landing:
        landing.land_now(
            Arrival("ring", Batch.of_numbers(FACILITY, "stored_current", [T], [1.0]), LETTERS[:-1], (gap,))
        )
        landing.land_now(Arrival("file", None, LETTERS[-1:]))
    return tmp_path


def test_dead_letters_are_listed_and_shown(kado: Kado) -> None:
    listed = kado("dead-letters", "list", "--source", "ring", "--cause", "unknown_topic", "--format", "json").document
    assert (listed["facility"], listed["total"]) == (FACILITY, 2)
    assert [(one["id"], one["address"]) for one in listed["letters"]] == [(2, "ring/other"), (1, "ring/other")]
    assert "7 of 7 dead letters" in " ".join(kado("dead-letters", "list").out.split())
    shown = kado("dead-letters", "show", "1", "--format", "json").document
    assert (shown["cause"], shown["payload"]) == ("unknown_topic", LETTERS[0].payload.decode())
    assert "\\xff\\xfe" in kado("dead-letters", "show", "4").out
    missing = kado("dead-letters", "show", "99")
    assert (missing.exit_code, "there is no dead letter 99" in missing.err) == (2, True)


def test_letters_are_read_once_more_when_the_mapping_is_corrected(kado: Kado) -> None:
    Path("kado.toml").write_text(MAPPED, encoding="utf-8")
    done = kado("dead-letters", "replay", "--format", "json").document
    # Cut, and a row of a file: left as they are. NaN and what is not JSON are rejected once more.
    assert {name: done[name] for name in ("letters", "stored", "rejected", "left")} == {
        "letters": 5, "stored": 3, "rejected": 2, "left": 2,
    }  # fmt: skip
    with closing(EmbeddedStore(Path("data"), FACILITY)) as store:
        values = {name: store.read(name, T, T + 10).value.tolist() for name in ("stored_current", "stored_current_2")}
        assert values == {"stored_current": [7.0], "stored_current_2": [200.5]}
        assert store.read("machine_mode", T, T + 1).state_words() == ["user"]
        assert verify_ledger(read_ledger(Path("data")), store) == []
    left = kado("dead-letters", "list", "--format", "json").document["letters"]
    assert sorted(one["cause"] for one in left) == ["bad_json", "bad_row", "not_finite", "oversized"]
    again = kado("dead-letters", "replay", "--number", "1", "--format", "json").document
    assert again["letters"] == 0


def test_nothing_is_replayed_beside_a_running_service(kado: Kado) -> None:
    with Landing.open(Path("data"), FACILITY, "embedded"):
        answer = kado("dead-letters", "replay")
    assert answer.exit_code == 3


def test_recorded_gaps_are_listed(kado: Kado) -> None:
    (gap,) = kado("recorded-gaps", "--format", "json").document["gaps"]
    assert (gap["source"], gap["reason"], gap["dropped"]) == ("ring", "session_lost", 3)
    words = " ".join(kado("recorded-gaps").out.split())
    assert "session_lost: the broker had no session of kado's any more" in words
    assert "kadoのセッションがなく" in kado("recorded-gaps", "--lang", "ja").out


def test_each_cause_stands_with_its_meaning_in_the_language_of_the_reader(kado: Kado) -> None:
    listed, shown = kado("dead-letters", "list").out, kado("dead-letters", "show", "3").out
    assert "unknown_topic: a topic that no signal is mapped to" in listed
    assert "unknown_state: a state that the signal does not have" in " ".join(shown.split())
    assert "unknown_topic: 信号に割り当てのないトピック" in kado("dead-letters", "list", "--lang", "ja").out


@pytest.mark.parametrize(
    "reason", [*Cause, *(SESSION_LOST, OVERFLOW, MONITOR_OVERFLOW, NOT_REPLAYABLE, CORRUPT, REFUSED, LOST_BY_DISK),
               *(BEYOND_RETENTION, BY_BUCKET)],
)  # fmt: skip
def test_every_cause_and_every_reason_of_a_gap_has_words(reason: str) -> None:
    assert words_of(reason) is not None
    assert words_of("of_another_kado") is None
