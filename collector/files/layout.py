"""How the columns of a file become samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from facility.errors import UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import parse_time

SIGNAL_COLUMN = "signal"
TIME_COLUMN = "time"
VALUE_COLUMN = "value"

_OTHER_NAMES: Final = {
    "time": ("timestamp", "datetime", "date_time", "date time", "time_utc", "_time", "date", "日時", "時刻"),
    "value": ("_value", "val", "値"),
    "signal": (),
    "quality": ("severity",),
    "reason": ("status",),
    "arrival": (),
}
"""What other programs call such columns; capital letters make no difference."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns to read, and as what.

    Without `signal` a file is *long*: each row names its signal in the column ``signal``. With it the file is
    *wide*: every row is a sample of that signal, taken from one of many columns. Columns ``quality``, ``reason`` and
    ``arrival`` are read where there are such, as ``kado store export`` writes them.
    """

    signal: str | None = None
    time_column: str | None = None
    """None: ``time``, or what other programs call it."""
    value_column: str | None = None
    """None: ``value``, what other programs call it, or with `signal` the only other column."""
    unit: str | None = None
    """What the file's numbers are in; must be the signal's own unit, since nothing is converted."""
    assume_offset: str | None = None
    """Offset from UTC, such as ``+09:00``, of the times that state none. An offset, not a zone: where clocks
    change, a zone has an hour each year that means two instants."""
    time_zone: str | None = None
    """Zone, such as ``Europe/Berlin``, of the times that state no offset; where clocks are put back, the order of the
    rows distinguishes the two hours."""
    time_format: str | None = None
    """See `collector.files.time_formats`; this and the next three override what is found in the file."""
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    names: tuple[tuple[str, str], ...] = ()
    """What the file calls signals, and which ones they are."""

    def check(self, profile: Profile) -> None:
        """Refuse what cannot be right for this facility, before the file is touched.

        Raises
        ------
        ProfileError
            If the facility has no such signal.
        UsageError
            If the unit is not the signal's, is given for a long file, or the offset is not valid.
        """
        if self.signal is not None:
            own = profile.signal(self.signal).unit
            if self.unit is not None and self.unit != own:
                raise UsageError(
                    Sentence(
                        "the file is in {unit!r}, but signal {signal} of {profile} is in {own!r}: kado "
                        "converts nothing; convert the file, or describe a signal in {unit!r} in the profile",
                        unit=self.unit,
                        signal=self.signal,
                        profile=profile.id,
                        own=own,
                    )
                )
        elif self.unit is not None:
            raise UsageError(
                Sentence(
                    "--unit needs --signal: a file with a signal column holds several signals, each in its own unit"
                )
            )
        if self.assume_offset is not None:
            try:
                parse_time(f"2000-01-01T00:00:00{self.assume_offset}")
            except ValueError as error:
                raise UsageError(
                    Sentence(
                        "--assume-offset {assume_offset!r} is not an offset such as '+09:00' or 'Z'",
                        assume_offset=self.assume_offset,
                    )
                ) from error
        if self.time_zone is not None:
            if self.assume_offset is not None:
                raise UsageError(
                    Sentence("--assume-offset and --time-zone say two things of the same times: give one of them")
                )
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise UsageError(
                    Sentence(
                        "--time-zone {time_zone!r} is not a zone such as 'Europe/Berlin'", time_zone=self.time_zone
                    )
                ) from error
        for name, signal in self.names:
            if self.signal is not None:
                raise UsageError(
                    Sentence(
                        "--map {name}={signal} is for files whose rows name their signals: leave --signal out",
                        name=name,
                        signal=signal,
                    )
                )
            profile.signal(signal)

    def found(self, names: Sequence[str]) -> dict[str, int]:
        """Return the positions of the columns that are among the file's `names`, by role."""
        wanted = {"time": self.time_column, "value": self.value_column}
        places: dict[str, int] = {}
        for role, others in _OTHER_NAMES.items():
            if role == "signal" and self.signal is not None:
                continue
            place = _place(names, wanted.get(role), role, others)
            if place is not None and (role != "reason" or names[place] == role or "quality" in places):
                places[role] = place
        if "value" not in places and self.value_column is None and self.signal is not None:
            left = [i for i in range(len(names)) if i not in places.values()]
            if len(left) == 1 and "time" in places:
                places["value"] = left[0]
        return places

    def columns(self, names: Sequence[str], file: str) -> dict[str, int]:
        """Find the columns among the file's `names`.

        Returns
        -------
        dict
            Position of ``time``, ``value``, and where they are to be read ``signal``, ``quality``, ``reason`` and
            ``arrival``.

        Raises
        ------
        UsageError
            If one is missing or occurs twice.
        """
        places = self.found(names)
        wanted = {"time": self.time_column or TIME_COLUMN, "value": self.value_column or VALUE_COLUMN}
        if self.signal is None:
            wanted["signal"] = SIGNAL_COLUMN
        if missing := {role: name for role, name in wanted.items() if role not in places}:
            raise UsageError(_missing(file, missing, names))
        if twice := sorted({names[i] for i in places.values() if list(names).count(names[i]) > 1}):
            raise UsageError(
                Sentence(
                    "{file}: the column {twice!r} occurs twice: rename or remove one of them", file=file, twice=twice[0]
                )
            )
        return places


def _place(names: Sequence[str], wanted: str | None, role: str, others: Sequence[str]) -> int | None:
    if wanted is not None:
        return list(names).index(wanted) if wanted in names else None
    if role in names:
        return list(names).index(role)
    known = (role, *others)
    found = [i for i, name in enumerate(names) if name.strip().casefold() in known]
    return found[0] if len(found) == 1 else None


def _missing(file: str, missing: dict[str, str], names: Sequence[str]) -> Sentence:
    options = {
        "signal": Sentence("--signal SIGNAL if every row is a sample of one signal"),
        "time": "--time-column NAME",
        "value": "--value-column NAME",
    }
    values = {
        "file": file,
        "missing": ", ".join(repr(name) for name in missing.values()),
        "names": ", ".join(names),
        "options": Sentence.joined([text for role, text in options.items() if role in missing], ", "),
    }
    if len(names) == 1:
        return Sentence(
            "{file} has no column {missing}; it has {names}; if it has several columns, say what separates them with "
            "--delimiter. Say how to read it: {options}",
            **values,
        )
    return Sentence("{file} has no column {missing}; it has {names}. Say how to read it: {options}", **values)
