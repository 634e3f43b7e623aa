"""The profile that a page tells people to start from is one."""

from pathlib import Path

from facility.profile import load_profile

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "describe-your-facility.md"


def test_the_profile_that_the_page_shows_is_loaded_and_says_what_the_page_says(tmp_path: Path) -> None:
    (shown,) = PAGE.read_text(encoding="utf-8").split("```toml\n")[1:]
    (tmp_path / "my_ring.toml").write_text(shown.partition("```")[0], encoding="utf-8")
    profile = load_profile("my_ring.toml", tmp_path)
    assert (profile.id, profile.time_zone, profile.delivery.witness) == ("my_ring", "Europe/Berlin", "stored_current_2")
    assert [step.minimum for step in profile.limit_steps] == [10.0]
