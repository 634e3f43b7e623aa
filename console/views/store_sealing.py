"""What sealing or merging by hand did."""

from typing import Any

from rich.console import RenderableType

from console.care.sealing import SealedBefore
from console.output import local, title
from console.rounding import count, size
from facility.profile import Profile
from facility.time import format_time


def sealed_lines(profile: Profile, sealed: SealedBefore, what: str) -> list[RenderableType]:
    """Return it in a few lines; `what` was done."""
    done = sealed.done
    lines: list[RenderableType] = [title(profile, what)]
    until = local(sealed.before_ns, profile.zone, offset=True)
    if not done.files and not done.rows_deleted:
        return [*lines, f"nothing to do up to {until}"]
    lines.append(f"{count(done.samples)} samples in {count(done.files)} files of {size(done.bytes)}, up to {until}")
    if done.rows_deleted:
        lines.append(f"{count(done.rows_deleted)} rows are no longer needed; their space in telemetry.db is used again")
    return lines


def sealed_document(profile: Profile, sealed: SealedBefore) -> dict[str, Any]:
    """Return the same for programs."""
    done = sealed.done
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "before": format_time(sealed.before_ns, profile.zone),
        "files": done.files,
        "samples": done.samples,
        "bytes": done.bytes,
        "rows_deleted": done.rows_deleted,
    }
