"""Which columns are read, and what is refused before a file is touched."""

import pytest

from collector.files.layout import Layout
from facility.errors import ProfileError, UsageError
from facility.profile import load_profile

PROFILE = load_profile("nanoterasu")


def test_a_long_file_is_found_by_the_names_of_its_columns() -> None:
    found = Layout().columns(["value", "extra", "time", "signal"], "f.csv")
    assert found == {"time": 2, "value": 0, "signal": 3}


def test_a_quality_column_is_read_where_there_is_one() -> None:
    assert Layout().columns(["time", "signal", "value", "quality"], "f.csv")["quality"] == 3
    wide = Layout("stored_current", "t", "v")
    assert wide.columns(["quality", "t", "v"], "f.csv") == {"time": 1, "value": 2, "quality": 0}


@pytest.mark.parametrize(
    ("layout", "names", "message"),
    [
        (
            Layout(),
            ["time_utc", "scan", "beam_current_mA"],
            "f.csv has no column 'value', 'signal'; it has time_utc, scan, beam_current_mA. Say how to"
            " read it: --signal SIGNAL if every row is a sample of one signal, --value-column NAME",
        ),
        (
            Layout(),
            ["time", "value"],
            "f.csv has no column 'signal'; it has time, value. Say how to read it: --signal SIGNAL if every row is a"
            " sample of one signal",
        ),
        (
            Layout("stored_current", "time", "current"),
            ["time", "value"],
            "f.csv has no column 'current'; it has time, value. Say how to read it: --value-column NAME",
        ),
        (
            Layout(),
            ["time;signal;value"],
            "f.csv has no column 'time', 'value', 'signal'; it has time;signal;value; if it"
            " has several columns, say what separates them with --delimiter. Say how to read it: --signal SIGNAL if"
            " every row is a sample of one signal, --time-column NAME, --value-column NAME",
        ),
        (
            Layout(),
            ["time", "signal", "value", "value"],
            "f.csv: the column 'value' occurs twice: rename or remove one of them",
        ),
    ],
)
def test_a_header_that_cannot_be_right_is_refused(layout: Layout, names: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        layout.columns(names, "f.csv")
    assert str(error.value) == message


def test_columns_that_are_not_read_may_occur_twice() -> None:
    assert Layout().columns(["time", "signal", "value", "note", "note"], "f.csv")["value"] == 2


def test_the_unit_must_be_the_signals_own() -> None:
    Layout("stored_current", unit="mA").check(PROFILE)
    with pytest.raises(UsageError) as error:
        Layout("stored_current", unit="A").check(PROFILE)
    assert str(error.value) == (
        "the file is in 'A', but signal stored_current of nanoterasu is in 'mA': kado converts nothing; convert the"
        " file, or describe a signal in 'A' in the profile"
    )


def test_a_unit_alone_says_nothing_about_a_file_of_several_signals() -> None:
    with pytest.raises(UsageError, match="--unit needs --signal"):
        Layout(unit="mA").check(PROFILE)


def test_an_unknown_signal_for_the_whole_file_is_refused() -> None:
    with pytest.raises(ProfileError) as error:
        Layout("current").check(PROFILE)
    assert str(error.value) == (
        "facility nanoterasu has no signal 'current'; it has stored_current, stored_current_2, machine_mode,"
        " beam_lifetime"
    )


@pytest.mark.parametrize(
    ("layout", "names", "found"),
    [
        (Layout("stored_current"), ["Timestamp", "Stored current"], {"time": 0, "value": 1}),
        (Layout("stored_current"), ["日時", "値", "備考"], {"time": 0, "value": 1}),
        (Layout("stored_current"), ["_time", "_value"], {"time": 0, "value": 1}),
        (
            Layout("stored_current"),
            ["Time", "Value", "Severity", "Status"],
            {"time": 0, "value": 1, "quality": 2, "reason": 3},
        ),
        (Layout("stored_current"), ["time", "value", "status"], {"time": 0, "value": 1}),
    ],
)
def test_columns_are_found_by_what_other_programs_call_them(
    layout: Layout, names: list[str], found: dict[str, int]
) -> None:
    assert layout.columns(names, "f.csv") == found


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(assume_offset="Z", time_zone="Asia/Tokyo"), "--assume-offset and --time-zone say two things"),
        (Layout(time_zone="+09:00"), "--time-zone '\\+09:00' is not a zone such as 'Europe/Berlin'"),
        (
            Layout("stored_current", names=(("PV", "stored_current"),)),
            "--map PV=stored_current is for files whose",
        ),
        (Layout(names=(("PV", "beam"),)), "facility nanoterasu has no signal 'beam'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(layout: Layout, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        layout.check(PROFILE)


@pytest.mark.parametrize("offset", ["+9 hours", "Asia/Tokyo", "JST", "", "+25:00"])
def test_an_offset_is_an_offset_and_not_a_zone(offset: str) -> None:
    with pytest.raises(UsageError, match="is not an offset such as '\\+09:00' or 'Z'"):
        Layout(assume_offset=offset).check(PROFILE)
    Layout(assume_offset="+09:00").check(PROFILE)
