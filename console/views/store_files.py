"""Which files were written."""

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType

from console.care.exporting import ExportedFile
from console.output import local, table, title
from console.rounding import count
from facility.profile import Profile
from facility.time import format_time


def exported_lines(profile: Profile, files: Sequence[ExportedFile]) -> list[RenderableType]:
    """Return a row for each file."""
    if not files:
        return [title(profile, "export"), "there is nothing in that time: no file was written"]
    rows = table(order=["file", "samples", "first", "last"], right=["samples"])
    for file in files:
        times = (local(file.first_ns, profile.zone), local(file.last_ns, profile.zone))
        rows.add_row(str(file.path), count(file.samples), *times)
    return [title(profile, "export"), rows]


def exported_document(profile: Profile, files: Sequence[ExportedFile]) -> dict[str, Any]:
    """Return the same for programs."""
    zone = profile.zone
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "files": [
            {
                "path": str(file.path),
                "signal": file.signal,
                "samples": file.samples,
                "first": format_time(file.first_ns, zone),
                "last": format_time(file.last_ns, zone),
            }
            for file in files
        ],
    }
