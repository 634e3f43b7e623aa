"""Further distortions as people and programs see them: counted, listed, explained, and by which definition.

The day of `seeded_ring` with its orbit, a sample a minute that holds for five: beyond its limit from 01:30 into the
outage of 02:00, from 10:00 to 10:30 and from 12:00 to 12:02; without a sample from 18:00 to 20:00.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Kado, run
from facility.time import NS_PER_S, format_time, parse_time
from seeded_ring import DAY, PROFILE, seed, time_of_day

DISTORTION = """
[[distortion]]
id = "orbit"
signal = "orbit_x"
above = 10.0
ends_below = 8.0
min_length_s = 300.0
label = { en = "Orbit", ja = "軌道" }
"""
ORBIT = (("01:30", "02:00", 15.0), ("10:00", "10:30", 15.0), ("12:00", "12:02", 15.0), ("18:00", "20:00", None))


def _rows() -> Iterator[str]:
    ns, end = parse_time(time_of_day("22:00", "2025-05-12")), parse_time(time_of_day("02:00", "2025-05-14"))
    while ns < end:
        value: float | None = 2.0
        for a, b, there in ORBIT:
            value = there if parse_time(time_of_day(a)) <= ns < parse_time(time_of_day(b)) else value
        if value is not None:
            yield f"{format_time(ns)},orbit_x,{value}"
        ns += 60 * NS_PER_S


@pytest.fixture(scope="session")
def _disturbed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disturbed")
    seed(folder)
    orbit = '    { id = "orbit_x", unit = "µm", period_s = 60.0 },\n'
    text = PROFILE.replace("signal = [\n", "signal = [\n" + orbit) + DISTORTION
    (folder / "ring.toml").write_text(text, encoding="utf-8")
    (folder / "orbit.csv").write_text("time,signal,value\n" + "".join(f"{row}\n" for row in _rows()), encoding="utf-8")
    answer = run("import", str(folder / "orbit.csv"), "--config", str(folder / "kado.toml"))
    assert answer.exit_code == 0, answer.err
    return folder


@pytest.fixture
def disturbed(kado: Kado, tmp_path: Path, _disturbed_folder: Path) -> Kado:
    shutil.copytree(_disturbed_folder, tmp_path, dirs_exist_ok=True)
    return kado


def test_they_are_counted_by_id_with_what_is_not_known_beside_them(disturbed: Kado) -> None:
    document = disturbed("availability", "-p", DAY, "--format", "json").document
    counts = document["counts"]
    assert (counts["failures"], counts["low_beam"], counts["other_distortions"], counts["distortions"]) == (1, 1, 1, 3)
    assert counts["other_distortions_by_id"] == {"orbit": 1}
    (orbit,) = document["further_signals"]
    # 24 h of user time, of which 90 min without beam and 19 min 20 s unknown. The orbit is unknown from 18:04 to
    # 20:00, its last sample at 17:59 held for five minutes.
    assert orbit["beam_s"] == 86_400 - 5_400 - 1_160
    assert orbit["unknown_s"] == 7_200 - 240
    assert orbit["coverage_pct"] == 100 * (79_840 - 6_960) / 79_840
    assert [(e["start"][11:19], e["user_time_s"]) for e in orbit["excursions"]] == [("12:00:00", 120)]
    assert document["figures"]["mtbd_h"] == pytest.approx((86_400 - 1_160) / 3 / 3_600, rel=1e-12)


def test_they_stand_among_the_events_under_their_name(disturbed: Kado) -> None:
    out = disturbed("events", "-p", DAY).out
    assert re.search(r"Orbit +2025-05-13 10:00:00 +10:30:00 +0:30:00 +0:30:00", out)
    events = disturbed("availability", "-p", DAY, "--format", "json").document["events"]
    assert [(e["kind"], e["distortion"]) for e in events] == [
        ("no_beam", None),
        ("low_beam", None),
        ("distortion", "orbit"),
    ]
    assert events[-1]["id"] == "ring-distortion-orbit-20250513T010000Z"
    assert (events[-1]["review"], events[-1]["incidents"]) == (None, [])


def test_a_manager_reads_how_many_and_how_well_they_are_known(disturbed: Kado) -> None:
    out = disturbed("availability", "-p", DAY).out
    assert re.search(r"Further distortions +1 +Orbit 1 \(\+1 too short\), known for 91\.3 %", out)
    assert re.search(r"MTBD +7\.9 h +user time / all 3 distortions", out)


def test_a_definition_that_counts_none_says_nothing_of_them(disturbed: Kado) -> None:
    document = disturbed("availability", "-p", DAY, "-d", "esrf", "--format", "json").document
    assert (document["counts"]["other_distortions"], document["further_signals"]) == (0, [])
    assert "その他の擾乱" not in disturbed("availability", "-p", DAY, "-d", "esrf").out
    assert [e["kind"] for e in document["events"]] == ["no_beam", "low_beam"]


def test_accounts_and_availability_are_those_without_them(disturbed: Kado) -> None:
    with_them = disturbed("availability", "-p", DAY, "--format", "json").document
    ring = Path("ring.toml").read_text(encoding="utf-8")
    Path("ring.toml").write_text(ring.replace(DISTORTION, ""), encoding="utf-8")
    without = disturbed("availability", "-p", DAY, "--format", "json").document
    assert with_them["accounts_s"] == without["accounts_s"]
    assert {**with_them["figures"], "mtbd_h": 0} == {**without["figures"], "mtbd_h": 0}
    assert with_them["provisional"] == without["provisional"]


def test_what_two_definitions_make_of_them_is_traced_to_that_rule(disturbed: Kado) -> None:
    words = ("definitions", "--compare", "nanoterasu", "esrf", "-p", DAY)
    out = disturbed(*words).out
    assert re.search(r"Further distortions +1 +0 +-1", out)
    assert "only by the first: ring-distortion-orbit-20250513T010000Z 1800.000 s" in out
    (rule,) = (r for r in disturbed(*words, "--format", "json").document["rules"] if r["rule"] == "further_distortions")
    assert (rule["no_beam_ns"], rule["delivered_ns"], rule["failures"]) == (0, 0, 0)


def test_definitions_say_what_they_count() -> None:
    out = run("definitions").out
    assert out.count("failures, trips, low beams, and the distortions of all further signals") == 3
    assert out.count("failures, trips and low beams only") == 5


@pytest.mark.parametrize(
    ("clock", "standing", "words"),
    [
        ("09:00", "within", "within its limits"),
        ("10:30", "within", "within its limits"),
        (
            "01:45",
            "led_on",
            "led to a loss of beam or low beam: counted with it as one, from 2025-05-13 01:30:00",
        ),
        ("02:30", "no_beam", "not evaluated while there is no beam"),
        ("10:10", "counted", "distorted, and counted as a distortion, from 2025-05-13 10:00:00"),
        ("12:01", "too_short", "an excursion that is too short in user time to be counted"),
        ("19:00", "unknown", "not known, as no good sample holds"),
    ],
)
def test_an_instant_is_explained_for_each_further_signal(
    disturbed: Kado, clock: str, standing: str, words: str
) -> None:
    (orbit,) = disturbed("explain", "--at", time_of_day(clock), "--format", "json").document["further_signals"]
    assert (orbit["id"], orbit["signal"], orbit["standing"]) == ("orbit", "orbit_x", standing)
    out = " ".join(disturbed("explain", "--at", time_of_day(clock)).out.split())
    assert "Orbit orbit_x: " in out
    assert f"distorted above 10, until 8 µm: {'distorted, and ' if standing == 'led_on' else ''}{words}" in out


def test_a_correction_that_takes_the_beam_away_takes_the_distortion_with_it(disturbed: Kado) -> None:
    before = disturbed("availability", "-p", DAY, "--format", "json").document
    said = ("--from", time_of_day("09:55"), "--to", time_of_day("10:35"), "--reason", "dump", "--author", "Sato")
    answer = disturbed("correct", "down", "--yes", *said)
    assert answer.exit_code == 0, answer.err
    found = disturbed("availability", "-p", DAY, "--format", "json").document["counts"]
    assert (found["failures"], found["other_distortions"]) == (2, 0)
    assert disturbed("correct", "withdraw", "1", "--reason", "wrong", "--author", "Sato").exit_code == 0
    after = disturbed("availability", "-p", DAY, "--format", "json").document
    assert {**after, "as_known_on": ""} == {**before, "as_known_on": ""}
