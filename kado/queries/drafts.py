"""Drafts of monthly reports that the service made: where they are, and until when corrections can still enter."""

import json
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from pathlib import Path
from typing import Any, Self

from facility.time import format_time
from kado.config import Configuration


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft of one month."""

    period: str
    path: Path
    made_at_ns: int
    open_until: date
    """Last day on which corrections can enter before the report is issued."""
    handed_over: bool

    def as_handed_over(self) -> Self:
        """Return the draft after it was mailed or given to the site's command."""
        return replace(self, handed_over=True)


def drafts_folder(configuration: Configuration) -> Path:
    """Return where drafts lie."""
    return configuration.data_dir / "reports"


def load_drafts(configuration: Configuration) -> list[Draft]:
    """Return the drafts that were made, oldest month first; what cannot be read is passed over and made again."""
    found: list[Draft] = []
    for path in sorted(drafts_folder(configuration).glob("*.draft.json")):
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            draft = Draft(
                str(row["period"]),
                path.parent / Path(str(row["file"])).name,
                int(row["made_at_ns"]),
                date.fromisoformat(row["open_until"]),
                bool(row["handed_over"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if draft.path.is_file():
            found.append(draft)
    return sorted(found, key=lambda d: d.period)


def write_draft(configuration: Configuration, draft: Draft) -> None:
    """Record a draft beside its file."""
    row = {
        "period": draft.period,
        "file": draft.path.name,
        "made_at_ns": draft.made_at_ns,
        "open_until": draft.open_until.isoformat(),
        "handed_over": draft.handed_over,
    }
    path = drafts_folder(configuration) / f"{draft.period}.draft.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(row), encoding="utf-8")
    part.replace(path)


def newest_draft(configuration: Configuration) -> Draft | None:
    """Return the draft of the newest month; None where there is none."""
    return max(load_drafts(configuration), key=lambda d: d.period, default=None)


def draft_document(draft: Draft, zone: tzinfo) -> dict[str, Any]:
    """Return a draft for programs."""
    return {
        "period": draft.period,
        "file": str(draft.path),
        "made_at": format_time(draft.made_at_ns, zone),
        "corrections_until": draft.open_until.isoformat(),
        "handed_over": draft.handed_over,
    }
