"""What contradicts itself, or would change the past: named, and nothing is written."""

from pathlib import Path

import pytest

from command_line import Kado
from seeded_ring import DAY

EVENT = """BEGIN:VEVENT
UID:{n}
DTSTART:{start}
DTEND:{end}
CATEGORIES:{words}
SUMMARY:{note}
END:VEVENT
"""


def calendar(*events: tuple[str, str, str, str]) -> None:
    body = "".join(EVENT.format(n=n, start=a, end=b, words=w, note=t) for n, (a, b, w, t) in enumerate(events))
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{body}END:VCALENDAR\n"
    Path("run.ics").write_text(text.replace("\n", "\r\n"), encoding="utf-8")


def versions(kado: Kado) -> list[str]:
    blocks = kado("schedule", "show", "--format", "json").document["blocks"]
    return sorted({block["published_at"] for block in blocks})


class TestCalendars:
    def test_a_calendar_becomes_a_version_of_the_schedule(self, seeded: Kado) -> None:
        calendar(
            ("20250601T010000Z", "20250605T010000Z", "user,BL02U", "Run 2"),
            ("20250605T010000Z", "20250606T010000Z", "maintenance", "RF"),
        )
        answer = seeded("schedule", "import", "run.ics", "--published-at", "2025-04-20T09:00:00+09:00")
        assert answer.exit_code == 0, answer.err
        assert "1 new version, 0 known already" in answer.out
        blocks = seeded("schedule", "show", "-p", "2025-06", "--format", "json").document["blocks"]
        assert [(b["category"], b["tags"], b["note"], b["published_at"]) for b in blocks] == [
            ("user", ["BL02U"], "Run 2", "2025-04-20T09:00:00+09:00"),
            ("maintenance", [], "RF", "2025-04-20T09:00:00+09:00"),
        ]
        again = seeded("schedule", "import", "run.ics", "--published-at", "2025-04-20T00:00:00Z")
        assert "0 new versions, 1 known already" in again.out
        out = seeded("schedule", "diff").out
        assert "unscheduled" in out
        assert "maintenance" in out

    def test_only_the_time_that_is_asked_for_is_read(self, seeded: Kado) -> None:
        calendar(
            ("20250601T010000Z", "20250605T010000Z", "user", "June"),
            ("20250701T010000Z", "20250705T010000Z", "user", "July"),
        )
        span = ("--from", "2025-07-01T00:00:00Z", "--to", "2025-08-01T00:00:00Z")
        seeded("schedule", "import", "run.ics", "--published-at", "2025-04-20T09:00:00+09:00", *span)
        blocks = seeded("schedule", "show", "--format", "json").document["blocks"]
        assert [b["note"] for b in blocks if b["note"]] == ["July"]

    @pytest.mark.parametrize(
        ("events", "words", "expected"),
        [
            ([], [], "run.ics is a calendar, which does not say when it was published: add --published-at TIME"),
            ([], ["--published-at", "2025-04-20"], "is not an ISO 8601 time"),
            (
                [("20250601T010000Z", "20250605T010000Z", "party", "Fest")],
                ["--published-at", "2025-04-20T00:00:00Z"],
                "event 'Fest' (line 4) at 2025-06-01T10:00 has none of kado's categories",
            ),
            (
                [("20250601T010000Z", "20250605T010000Z", "user", "June")],
                ["--published-at", "2025-07-01T00:00:00Z"],
                "run.ics: no event of the operation calendar between 2025-07-01",
            ),
            (
                [("20250601T010000Z", "20250605T010000Z", "user", "June")],
                ["--published-at", "2025-07-01T00:00:00Z", "--from", "2025-06-01T00:00:00Z"],
                "every row would change only the past",
            ),
            (
                [
                    ("20250601T010000Z", "20250605T010000Z", "user", "a"),
                    ("20250604T010000Z", "20250606T010000Z", "study", "b"),
                ],
                ["--published-at", "2025-04-20T00:00:00Z"],
                "blocks overlap in the version published 2025-04-20T00:00:00Z: user 2025-06-01T01:00:00Z",
            ),
        ],
    )
    def test_one_that_cannot_be_read_changes_nothing(
        self, seeded: Kado, events: list[tuple[str, str, str, str]], words: list[str], expected: str
    ) -> None:
        before = versions(seeded)
        calendar(*events)
        answer = seeded("schedule", "import", "run.ics", *words)
        assert (answer.exit_code, answer.out) == (2, "")
        assert expected in answer.err
        assert versions(seeded) == before

    def test_options_of_calendars_are_refused_for_csv(self, seeded: Kado) -> None:
        answer = seeded("schedule", "import", "schedule.csv", "--published-at", "2025-04-20T00:00:00Z")
        assert answer.exit_code == 2
        assert "--published-at are for calendars that end in .ics" in answer.err


def test_rows_that_would_all_change_the_past_are_refused(seeded: Kado) -> None:
    before = versions(seeded)
    rows = "start,end,category,published_at\n2025-05-01T00:00:00Z,2025-05-02T00:00:00Z,shutdown,2025-06-01T00:00:00Z\n"
    Path("late.csv").write_text(rows)
    answer = seeded("schedule", "import", "late.csv")
    assert (answer.exit_code, answer.out) == (2, "")
    assert "every row would change only the past: the version published 2025-06-01T00:00:00Z" in answer.err
    assert versions(seeded) == before


def test_limits_that_contradict_each_other_are_named(seeded: Kado) -> None:
    profile = Path("ring.toml")
    profile.write_text(profile.read_text().replace("tolerance = 190.0", "tolerance = 197.0"))
    answer = seeded("availability", "-p", DAY)
    assert (answer.exit_code, answer.out) == (2, "")
    assert "nominal 199.0 >= recovered 195.0 >= tolerance 197.0 >= minimum 10.0 must hold" in answer.err


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("no_beam_below_fraction = 1.5", "no_beam_below_fraction = 1.5"),
        ("merge_gap_s = -1.0", "merge_gap_s = -1.0"),
        ("merge_gap = 60.0", "unknown key 'merge_gap'; did you mean 'merge_gap_s'?"),
        ('no_beam_ends_at = "full"', "no_beam_ends_at = 'full'"),
    ],
)
def test_a_definition_that_cannot_be_says_what_is_wrong_with_it(seeded: Kado, rule: str, expected: str) -> None:
    Path("definitions").mkdir()
    text = 'id = "mine"\ntitle = { en = "Mine", ja = "私の" }\nreferences = ["me"]\n'
    Path("definitions/mine.toml").write_text(text + rule + "\n", encoding="utf-8")
    for words in (["definitions", "mine"], ["availability", "-p", DAY, "-d", "mine"]):
        answer = seeded(*words)
        assert (answer.exit_code, answer.out) == (2, "")
        assert expected in answer.err


@pytest.mark.parametrize("command", [["availability"], ["events"], ["gaps"], ["explain"], ["incident", "pareto"]])
def test_a_period_in_the_future_is_refused_by_each_command(seeded: Kado, command: list[str]) -> None:
    answer = seeded(*command, "-p", "2199-01")
    assert (answer.exit_code, answer.out) == (2, "")
    assert "period 2199-01 begins in the future, at 2199-01-01T00:00:00+09:00" in answer.err
