"""Tables whose rows lie on both sides of a change of the clocks say so."""

from pathlib import Path
from zoneinfo import ZoneInfo

from command_line import Kado
from facility.time import NS_PER_H, parse_time
from kado.output import offsets_of
from seeded_ring import PROFILE


def test_a_table_over_the_end_of_summer_time_names_both_offsets_in_order() -> None:
    instants = [parse_time(text) for text in ("2024-10-26T07:00:00Z", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z")]
    assert offsets_of(instants, ZoneInfo("Europe/Stockholm")) == "+02:00, then +01:00"
    assert offsets_of(instants, ZoneInfo("Asia/Tokyo")) == "+09:00"


def test_a_plan_whose_one_block_lies_over_a_change_of_the_clocks_has_the_offset_of_both_ends(kado: Kado) -> None:
    profile = Path("ring.toml")
    profile.write_text(PROFILE.replace("Asia/Tokyo", "Europe/Berlin"), encoding="utf-8")
    Path("kado.toml").write_text('facility = "ring.toml"\n', encoding="utf-8")
    Path("s.csv").write_text(
        "start,end,category,published_at\n"
        "2024-10-01T00:00:00+02:00,2024-11-01T00:00:00+01:00,user,2024-08-31T23:00:00+02:00\n",
        encoding="utf-8",
    )
    imported = kado("schedule", "import", "s.csv")
    assert imported.exit_code == 0
    assert "2024-10-01 00:00:00 +02:00 to 2024-11-01 00:00:00 +01:00" in imported.out
    assert "the version published 2024-08-31T23:00:00+02:00 is recorded" in imported.err
    for out in (imported.out, kado("schedule", "show").out):
        assert "start (+02:00, then +01:00)" in out
        assert "11-01 00:00 +01:00" in out


def test_an_outage_over_the_end_of_summer_time_has_the_offset_of_both_ends(kado: Kado) -> None:
    profile = PROFILE.replace("Asia/Tokyo", "Europe/Berlin").replace("period_s = 10.0", "period_s = 900.0")
    Path("ring.toml").write_text(profile, encoding="utf-8")
    Path("kado.toml").write_text('facility = "ring.toml"\n', encoding="utf-8")
    Path("s.csv").write_text(
        "start,end,category,published_at\n"
        "2024-10-27T00:00:00+02:00,2024-10-28T00:00:00+01:00,user,2024-08-31T23:00:00+02:00\n",
        encoding="utf-8",
    )
    # Down from 02:15 before the change of the clocks to 02:45 after it: 1 h 30 min.
    begin, down, up = (parse_time(f"2024-10-{text}Z") for text in ("26T22:00:00", "27T00:15:00", "27T01:45:00"))
    times = range(begin, begin + 25 * NS_PER_H, NS_PER_H // 4)
    lines = [f"{ns},current,{0 if down <= ns < up else 200}" for ns in times]
    Path("a.csv").write_text("\n".join(["time,signal,value", *lines]) + "\n", encoding="utf-8")
    assert kado("schedule", "import", "s.csv").exit_code == 0
    assert kado("import", "a.csv").exit_code == 0
    day = ("-p", "2024-10-27")
    for words in (("events", *day), ("explain", *day)):
        assert "2024-10-27 02:15:00 02:45:00 +01:00 1:30:00" in " ".join(kado(*words).out.split())
    assert (
        "2024-10-27 02:15:00 +02:00 to 2024-10-27 02:45:00 +01:00"
        in kado("explain", "--at", "2024-10-27T02:30:00+02:00").out
    )
    (event,) = kado("events", *day, "--format", "json").document["events"]
    assert (event["start"], event["end"]) == ("2024-10-27T02:15:00+02:00", "2024-10-27T02:45:00+01:00")
