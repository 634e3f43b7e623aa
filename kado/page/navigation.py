"""The views that the page's head links to."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from kado.language import marked, tr


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the navigation."""

    path: str
    words: str
    current: bool


_VIEWS: Final = (
    ("/", marked("Now")),
    ("/alarms", marked("Alarms")),
    ("/history", marked("History")),
    ("/calendar", marked("Calendar")),
    ("/record", marked("Record")),
    ("/shift", marked("Shift")),
    ("/reports", marked("Reports")),
    ("/simulator", marked("Simulator")),
)


def navigation(paths: Collection[str], here: str) -> list[Entry]:
    """Return the views that are served, in order; `here` is the path that is shown."""
    return [
        Entry(path, tr(text), here == path or (path != "/" and here.startswith(f"{path}/")))
        for path, text in _VIEWS
        if path in paths
    ]
