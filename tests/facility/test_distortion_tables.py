"""The ``[[distortion]]`` tables of a profile: what contradicts itself, or its signal, is refused by name."""

from importlib import resources
from pathlib import Path

import pytest

from facility.definition import load_definition
from facility.errors import DefinitionError, ProfileError
from facility.profile import load_profile, shipped_profiles

TEXT = (resources.files("facility") / "profiles" / "nanoterasu.toml").read_text(encoding="utf-8")
LIFETIME = '[[distortion]]\nid = "short_life"\nsignal = "beam_lifetime"\n'
NUMBER = "signal 'beam_lifetime' is a number; give above or below in its unit 'h', and no words"
STATE = "signal 'machine_mode' is a state; name the words that mean distorted among "


def write(folder: Path, tables: str) -> Path:
    path = folder / "ring.toml"
    path.write_text(TEXT + "\n" + tables, encoding="utf-8")
    return path


def test_it_is_read_with_its_end_its_delay_and_its_name(tmp_path: Path) -> None:
    label = 'label = { en = "Short life", ja = "寿命低下" }'
    write(tmp_path, f"{LIFETIME}below = 8.0\nends_above = 9.0\ndelay_s = 20.0\nmin_length_s = 60.0\n{label}\n")
    (short,) = load_profile("ring.toml", tmp_path).distortions
    assert (short.within[0], short.delay_ns, short.min_length_ns) == (9.0, 20_000_000_000, 60_000_000_000)
    assert short.name.ja == "寿命低下"


def test_without_more_it_ends_at_its_limit_and_is_called_by_its_id(tmp_path: Path) -> None:
    write(tmp_path, LIFETIME + "below = 8.0\nabove = 100.0\n")
    (short,) = load_profile("ring.toml", tmp_path).distortions
    assert (short.within, short.delay_ns, short.min_length_ns, short.name.en) == ((8.0, 100.0), 0, 0, "short_life")


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (LIFETIME, f"distortion 'short_life': {NUMBER}"),
        (LIFETIME + 'words = ["user"]\nbelow = 8.0\n', f"distortion 'short_life': {NUMBER}"),
        (
            LIFETIME + "below = 8.0\n" + LIFETIME + "below = 6.0\n",
            "distortion 'short_life' is described twice",
        ),
        (
            LIFETIME.replace("beam_lifetime", "beam_size") + "above = 8.0\n",
            "distortion 'short_life': signal 'beam_size' is not one of "
            "['beam_lifetime', 'machine_mode', 'stored_current', 'stored_current_2']",
        ),
        (
            LIFETIME.replace("beam_lifetime", "stored_current") + "below = 180.0\n",
            "distortion 'short_life' is on the delivery signal 'stored_current': its limits stand in [[limits]], "
            "which make low-beam a distortion already",
        ),
        (
            LIFETIME + "above = 8.0\nends_below = 9.0\n",
            "distortion[1]: distortion 'short_life': ends_below 9 must not exceed above 8",
        ),
        (
            LIFETIME + "below = 8.0\nends_above = 7.0\n",
            "distortion[1]: distortion 'short_life': ends_above 7 must not be less than below 8",
        ),
        (
            LIFETIME + "below = 8.0\nends_below = 7.0\n",
            "distortion[1]: distortion 'short_life' has ends_below and no above that it could be the end of",
        ),
        (
            LIFETIME + "above = 8.0\nends_above = 7.0\n",
            "distortion[1]: distortion 'short_life' has ends_above and no below that it could be the end of",
        ),
        (
            LIFETIME + "below = 8.0\nabove = 7.0\n",
            "distortion[1]: distortion 'short_life' would never end: no value is at least 8 and at most 7",
        ),
        (
            LIFETIME.replace("beam_lifetime", "machine_mode") + "above = 8.0\n",
            f"distortion 'short_life': {STATE}['user', 'study', 'tuning', 'maintenance', 'shutdown', 'refill'], "
            "and neither above nor below",
        ),
        (
            LIFETIME.replace("beam_lifetime", "machine_mode") + 'words = ["off"]\n',
            "distortion 'short_life': 'off' is not a word of signal 'machine_mode': "
            "['user', 'study', 'tuning', 'maintenance', 'shutdown', 'refill']",
        ),
        (LIFETIME + "below = 8.0\ndelay = 5.0\n", "unknown key 'distortion[1].delay'; did you mean 'delay_s'?"),
    ],
)
def test_one_that_contradicts_itself_or_its_signal_is_refused(tmp_path: Path, tables: str, message: str) -> None:
    path = write(tmp_path, tables)
    with pytest.raises(ProfileError) as error:
        load_profile("ring.toml", tmp_path)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_real_facility_has_no_limits_that_it_has_not_published(name: str) -> None:
    profile = load_profile(name)
    assert profile.simulated or not profile.distortions


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("common-metrics", True),
        ("nanoterasu", True),
        ("sls", True),
        ("aps", False),
        ("cebaf", False),
        ("esrf", False),
        ("sirius", False),
        ("spring8", False),
    ],
)
def test_a_shipped_definition_counts_further_distortions_as_its_source_does(name: str, counted: bool) -> None:
    assert load_definition(name).counts("orbit") is counted


def test_a_definition_that_names_a_distortion_without_a_list_is_told_how(tmp_path: Path) -> None:
    folder = tmp_path / "definitions"
    folder.mkdir()
    text = 'id = "ours"\ntitle = { en = "Ours", ja = "当施設" }\nreferences = ["note"]\nfurther_distortions = "orbit"\n'
    (folder / "ours.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as error:
        load_definition("ours", tmp_path)
    assert str(error.value).endswith("'orbit' is neither 'all' nor 'none'; for that distortion alone write ['orbit']")
