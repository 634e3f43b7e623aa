"""``kado target``: the first block that was run at the current the facility aims for."""

from pathlib import Path

from command_line import Kado

TARGET = 'time_zone = "Asia/Tokyo"\ntarget = {target}\nstable_at_pct = {stable}\noperation_started = 2024-04-01\n'


def aim(target: float, stable: float = 90.0) -> None:
    profile = Path("ring.toml")
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace('time_zone = "Asia/Tokyo"\n', TARGET.format(target=target, stable=stable)))


def plan(*rows: str) -> None:
    head = "start,end,category,published_at\n"
    text = "".join(
        f"2025-05-13T{a}:00+09:00,2025-05-13T{b}:00+09:00,{c},2025-03-15T00:00:00+09:00\n"
        for a, b, c in map(str.split, rows)
    )
    Path("blocks.csv").write_text(head + text)


def test_the_first_block_at_the_target_ends_the_search(seeded: Kado) -> None:
    aim(200.0)
    plan("00:00 06:00 study", "06:00 12:00 tuning", "12:00 18:00 user", "18:00 22:00 user")
    assert seeded("schedule", "import", "blocks.csv").exit_code == 0
    document = seeded("target", "--format", "json").document
    # Six hours from midnight hold an outage and a gap; from six o'clock half an hour of low beam: 91.7 %.
    first = document["first"]
    assert (first["category"], first["start"]) == ("tuning", "2025-05-13T06:00:00+09:00")
    assert first["at_target_pct"] == 100 * 330 / 360
    assert first["level"] == 200 * 195 / 199
    assert document["time_to_target_days"] == 365 + 42.25
    out = seeded("target").out
    assert "SIMULATED" in out
    assert "1 year 42 days" in out
    assert "tuning 2025-05-13 06:00 to 2025-05-13 12:00, 91.7 % of it" in out
    # It counts to the start of the first stable block, says so, and gives the end too.
    assert "to the start of the first stable block; to its end 407.5 days" in out


def test_a_target_that_was_never_held_is_not_reached(seeded: Kado) -> None:
    aim(200.0, stable=99.9)
    plan("00:00 06:00 study", "06:00 12:00 tuning", "12:00 14:00 maintenance")
    assert seeded("schedule", "import", "blocks.csv").exit_code == 0
    document = seeded("target", "--format", "json").document
    assert (document["first"], document["time_to_target_days"]) == (None, None)
    assert document["nearest"]["category"] == "tuning"
    assert "not yet for 99.9 % of a block" in seeded("target").out


def test_a_target_far_above_the_beam_has_no_nearest_block(seeded: Kado) -> None:
    aim(400.0)
    document = seeded("target", "--format", "json").document
    assert (document["first"], document["nearest"]) == (None, None)


def test_a_profile_without_a_target_says_what_to_add(seeded: Kado) -> None:
    answer = seeded("target")
    assert (answer.exit_code, answer.out) == (2, "")
    assert "the profile of facility ring states no target: add it" in answer.err
