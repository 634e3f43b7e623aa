"""What a schedule file holds, and what importing it changes in the calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from facility.interval import Intervals
from facility.period import is_calendar_form, looks_like_calendar_form
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Category, ScheduleVersion, dated_back, resolve
from facility.time import NS_PER_H, format_time
from kado.queries.identity import identity
from kado.queries.schedule import Change, changes_between


@dataclass(frozen=True, slots=True)
class ImportedSchedule:
    """A schedule file after its import."""

    file: str
    new: int
    """Versions."""
    known: int
    start_ns: int
    """First start in the file."""
    end_ns: int
    """Last end."""
    hours: dict[Category, float]
    """Of the file's time as planned by its own versions, by category; `Category.UNSCHEDULED` is left free."""
    holes: tuple[tuple[int, int], ...]
    """Stretches between first start and last end for which the file plans nothing, in ns."""
    changes: tuple[Change, ...]
    """What is planned otherwise than before the import."""
    warnings: tuple[str, ...]


def imported_schedule(
    file: str,
    versions: Sequence[ScheduleVersion],
    before: Sequence[ScheduleVersion],
    after: Sequence[ScheduleVersion],
    zone: tzinfo,
    warnings: Sequence[str] = (),
) -> ImportedSchedule:
    """Sum up an import.

    Parameters
    ----------
    versions
        Those of the file.
    before, after
        All that the journal held before, and holds now.
    zone
        For times in warnings.
    warnings
        Of reading the file.
    """
    own = resolve(versions)
    start, end = min(v.start_ns for v in versions), max(v.end_ns for v in versions)
    whole = Intervals.of([(start, end)])
    holes = whole - own.intervals(*PLANNED_CATEGORIES)
    totals = {category: own.intervals(category).total for category in PLANNED_CATEGORIES}
    totals[Category.UNSCHEDULED] = holes.total
    late = dated_back(after[len(before) :])
    return ImportedSchedule(
        file=file,
        new=len(after) - len(before),
        known=len(versions) - (len(after) - len(before)),
        start_ns=start,
        end_ns=end,
        hours={category: total / NS_PER_H for category, total in totals.items() if total},
        holes=tuple(holes),
        changes=tuple(changes_between(resolve(before), resolve(after))),
        warnings=(*warnings, *own.warnings, *_runs_like_dates(own.runs), *(_dated_back(v, zone) for v in late)),
    )


def imported_schedule_document(profile: Profile, imported: ImportedSchedule) -> dict[str, Any]:
    """Return the same for programs."""

    def written(ns: int) -> str:
        return format_time(ns, profile.zone)

    return {
        **identity(profile),
        "file": imported.file,
        "new": imported.new,
        "known": imported.known,
        "start": written(imported.start_ns),
        "end": written(imported.end_ns),
        "hours": {category.value: hours for category, hours in imported.hours.items()},
        "holes": [{"start": written(start), "end": written(end)} for start, end in imported.holes],
        "changes": [
            {"start": written(c.start_ns), "end": written(c.end_ns), "before": c.before, "after": c.after}
            for c in imported.changes
        ],
        "warnings": list(imported.warnings),
    }


def _runs_like_dates(runs: dict[str, tuple[int, int]]) -> list[str]:
    found: list[str] = []
    for name in runs:
        if is_calendar_form(name):
            found.append(f"run {name!r} is also a date: --period {name} is the date, --period run:{name} the run")
        elif looks_like_calendar_form(name):
            found.append(f"run {name!r} looks like a date: ask for it as --period run:{name}")
    return found


def _dated_back(version: ScheduleVersion, zone: tzinfo) -> str:
    return (
        f"the version published {format_time(version.published_at_ns, zone)} is recorded"
        f" {(version.known_from_ns - version.published_at_ns) / (24 * NS_PER_H):,.0f} days later, and changes time that"
        " has passed: figures that it changes will name it"
    )
