"""Every dashboard of a facility, as files that Grafana imports."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dashboards.engineers import engineers
from dashboards.managers import managers
from dashboards.operators import operators, wall
from dashboards.sdk import JSONEncoder, dashboard
from dashboards.subject import Subject
from facility.profile import Profile
from facility.text import Language

DASHBOARDS: Final[dict[str, Callable[[Subject], dashboard.Dashboard]]] = {
    "operators": operators,
    "wall": wall,
    "engineers": engineers,
    "managers": managers,
}


def dashboard_files(profile: Profile, language: Language) -> dict[str, str]:
    """Return the text of each file by its name."""
    subject = Subject(profile, language)
    return {f"{name}.json": _text(make(subject)) for name, make in DASHBOARDS.items()}


def write_dashboards(folder: Path, profile: Profile, language: Language) -> list[Path]:
    """Write the dashboards of a facility into a folder; return the files.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, text in dashboard_files(profile, language).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _text(made: dashboard.Dashboard) -> str:
    return json.dumps(made, cls=JSONEncoder, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
