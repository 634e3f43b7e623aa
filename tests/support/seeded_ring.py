"""A day of a small ring in a data directory, told in a file of samples, for the commands that look at it.

13 May 2025 in Japan, all of it user time: no beam from 02:00 to 03:30, no samples from 05:00 to 05:20, low beam
from 08:00 to 08:30, shutters closed from 15:00 to 15:05. A sample each 10 s, which holds for 50 s.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from command_line import run
from facility.time import NS_PER_S, format_time, parse_time

DAY: Final = "2025-05-13"
UNKNOWN_S: Final = 20 * 60 - 40
"""The gap but for what its last sample holds beyond its own 10 s."""

PROFILE: Final = """
id = "ring"
name = { en = "Ring", ja = "リング" }
time_zone = "Asia/Tokyo"
delivery_signal = "current"
mode_signal = "mode"
target_availability_pct = 99.0
simulated = true
flags = { permit = { signal = "shutters", when = ["permitted"] } }
signal = [
    { id = "current", unit = "mA", period_s = 10.0, physical_max = 600.0 },
    { id = "mode", type = "state", words = ["user", "study", "refill"] },
    { id = "shutters", type = "state", words = ["permitted", "closed"] },
]
beamline = [
    { id = "bl02u", tag = "BL02U", shutter = "shutters", open = ["permitted"] },
    { id = "bl08w", tag = "BL08W", shutter = "shutters", open = ["permitted"], label = { en = "BL08W", ja = "BL08W" } },
    { id = "bl14u" },
]
limits = [{ from = 2020-01-01, nominal = 199.0, recovered = 195.0, tolerance = 190.0, minimum = 10.0 }]
"""

EMBEDDED: Final = """[store]
kind = "embedded"
"""

CONFIGURATION: Final = f"""
facility = "ring.toml"
data_dir = "data"
{EMBEDDED}[[source]]
id = "plc"
kind = "mqtt"
url = "mqtt://localhost:1"
signal = [{{ topic = "ring/current", signal = "current" }}]
"""

SCHEDULE: Final = """start,end,category,published_at,tags,run
2025-05-11T10:00:00+09:00,2025-05-12T10:00:00+09:00,study,2025-03-01T00:00:00+09:00,,
2025-05-12T10:00:00+09:00,2025-05-13T12:00:00+09:00,user,2025-03-01T00:00:00+09:00,shared BL02U,2025-1
2025-05-13T12:00:00+09:00,2025-05-15T10:00:00+09:00,user,2025-03-01T00:00:00+09:00,coalition BL08W,2025-1
"""


def seed(folder: Path, *, store: str = EMBEDDED) -> None:
    """Write the configuration, and bring calendar and samples into the data directory.

    Parameters
    ----------
    store
        The table ``[store]``, and further tables of the configuration.
    """
    (folder / "ring.toml").write_text(PROFILE, encoding="utf-8")
    (folder / "kado.toml").write_text(CONFIGURATION.replace(EMBEDDED, store), encoding="utf-8")
    (folder / "schedule.csv").write_text(SCHEDULE, encoding="utf-8")
    (folder / "samples.csv").write_text(
        "time,signal,value\n" + "".join(f"{row}\n" for row in _rows()), encoding="utf-8"
    )
    config = ("--config", str(folder / "kado.toml"))
    for words in (["schedule", "import", str(folder / "schedule.csv")], ["import", str(folder / "samples.csv")]):
        answer = run(*words, *config)
        assert answer.exit_code == 0, answer.err


def time_of_day(clock: str, day: str = DAY) -> str:
    """Return a time of that day as the commands take it: ``time_of_day("02:00")``."""
    return f"{day}T{clock}:00+09:00"


def _rows() -> Iterator[str]:
    # The states are known from long before the day.
    yield f"{time_of_day('22:00', '2025-05-11')},mode,user"
    yield f"{time_of_day('22:00', '2025-05-11')},shutters,permitted"
    yield f"{time_of_day('15:00')},shutters,closed"
    yield f"{time_of_day('15:05')},shutters,permitted"
    ns, end = parse_time(time_of_day("22:00", "2025-05-12")), parse_time(time_of_day("02:00", "2025-05-14"))
    while ns < end:
        value = _current(ns)
        if value is not None:
            yield f"{format_time(ns)},current,{value}"
        ns += 10 * NS_PER_S


def _current(ns: int) -> float | None:
    for start, end, value in (("02:00", "03:30", 0.0), ("05:00", "05:20", None), ("08:00", "08:30", 150.0)):
        if parse_time(time_of_day(start)) <= ns < parse_time(time_of_day(end)):
            return value
    return 200.0
