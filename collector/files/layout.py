"""How the columns of a file become samples."""

from collections.abc import Sequence
from dataclasses import dataclass

from facility.errors import UsageError
from facility.profile import Profile
from facility.time import parse_time

SIGNAL_COLUMN = "signal"
QUALITY_COLUMN = "quality"
REASON_COLUMN = "reason"
ARRIVAL_COLUMN = "arrival"
OPTIONAL_COLUMNS = (QUALITY_COLUMN, REASON_COLUMN, ARRIVAL_COLUMN)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns to read, and as what.

    Without `signal` a file is *long*: each row names its signal in the column ``signal``. With it the file is
    *wide*: every row is a sample of that signal, taken from one of many columns. Columns ``quality``, ``reason`` and
    ``arrival`` are read where there are such, as ``kado store export`` writes them.
    """

    signal: str | None = None
    time_column: str = "time"
    value_column: str = "value"
    unit: str | None = None
    """What the file's numbers are in; must be the signal's own unit, since nothing is converted."""
    assume_offset: str | None = None
    """Offset from UTC, such as ``+09:00``, of the times that state none. An offset, not a zone: where clocks
    change, a zone has an hour each year that means two instants."""

    def check(self, profile: Profile) -> None:
        """Refuse what cannot be right for this facility, before the file is touched.

        Raises
        ------
        ProfileError
            If the facility has no such signal.
        UsageError
            If the unit is not the signal's, is given for a long file, or the offset is none.
        """
        if self.signal is not None:
            own = profile.signal(self.signal).unit
            if self.unit is not None and self.unit != own:
                raise UsageError(
                    f"the file is in {self.unit!r}, but signal {self.signal} of {profile.id} is in {own!r}: kado"
                    f" converts nothing; convert the file, or describe a signal in {self.unit!r} in the profile"
                )
        elif self.unit is not None:
            raise UsageError(
                "--unit needs --signal: a file with a signal column holds several signals, each in its own unit"
            )
        if self.assume_offset is not None:
            try:
                parse_time(f"2000-01-01T00:00:00{self.assume_offset}")
            except ValueError as error:
                raise UsageError(
                    f"--assume-offset {self.assume_offset!r} is not an offset such as '+09:00' or 'Z'"
                ) from error

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
        wanted = {"time": self.time_column, "value": self.value_column}
        if self.signal is None:
            wanted["signal"] = SIGNAL_COLUMN
        if missing := {role: name for role, name in wanted.items() if name not in names}:
            raise UsageError(_missing(file, missing, names))
        wanted |= {name: name for name in OPTIONAL_COLUMNS if name in names}
        if twice := sorted({name for name in wanted.values() if list(names).count(name) > 1}):
            raise UsageError(f"{file}: the column {twice[0]!r} occurs twice: rename or remove one of them")
        return {role: list(names).index(name) for role, name in wanted.items()}


def _missing(file: str, missing: dict[str, str], names: Sequence[str]) -> str:
    text = f"{file} has no column {' and no column '.join(repr(name) for name in missing.values())}"
    text += f"; it has {', '.join(names)}"
    if len(names) == 1 and (separators := [s for s in (";", "\t") if s in names[0]]):
        return f"{text}. Its columns are separated by {separators[0]!r}: kado reads ','"
    options = {
        "signal": "--signal SIGNAL if every row is a sample of one signal",
        "time": "--time-column NAME",
        "value": "--value-column NAME",
    }
    return f"{text}. Say how to read it: {', '.join(text for role, text in options.items() if role in missing)}"
