"""What people add to simulated operation: who used which block of the calendar, and what broke."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from facility.schedule import Category
from facility.time import NS_PER_S, format_time
from kado.config import Configuration
from kado.queries.record import load_plan, load_schedule_versions

TAGS = ("shared", "coalition", "shared")
"""Of one block of user time after the other."""
CAUSES = (
    ("rf", "klystron 2", "arc"),
    ("magnet", "quadrupole QF2", "power supply trip"),
    ("rf", "low level rf", "phase loop unlocked"),
    None,
    ("vacuum", "absorber 3", "pressure burst"),
)
"""System, component and title of one outage after the other; nobody wrote anything of some."""


def tagged_calendar(configuration: Configuration, folder: Path) -> Path:
    """Write the calendar in force once more, with a use for each block of user time, and return its path."""
    published = max(v.published_at_ns for v in load_schedule_versions(configuration)) + NS_PER_S
    path = folder / "tagged.csv"
    used = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["start", "end", "category", "published_at", "tags"])
        for block in load_plan(configuration).blocks:
            tag = ""
            if block.category is Category.USER:
                tag, used = TAGS[used % len(TAGS)], used + 1
            times = [format_time(ns) for ns in (block.start_ns, block.end_ns)]
            rows.writerow([*times, block.category.value, format_time(published), tag])
    return path


def incidents_of(events: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the commands that say what broke in outages: of those of a document of ``kado events``."""
    commands: list[tuple[str, ...]] = []
    outages = [e for e in events if e["kind"] == "no_beam" and not e["open"]]
    for place, event in enumerate(outages):
        cause = CAUSES[place % len(CAUSES)]
        if cause is not None:
            said = ("--system", cause[0], "--component", cause[1], "--title", cause[2], "--author", "Sato")
            commands.append(("incident", "add", "--from", event["start"], "--to", event["end"], *said))
    return commands


def record(configuration: Configuration, kado: Callable[..., Any], events: Sequence[dict[str, Any]]) -> None:
    """Import the calendar with its tags, and record what broke."""
    path = tagged_calendar(configuration, configuration.folder)
    for words in (("schedule", "import", str(path)), *incidents_of(events)):
        kado(*words)
