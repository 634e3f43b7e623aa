"""What `kado store downsample` summed up."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from console.output import title
from console.rounding import count
from facility.profile import Profile

if TYPE_CHECKING:
    from storage.influxdb.downsampling import Downsampled


def downsampled_lines(profile: Profile, done: "Downsampled") -> list[RenderableType]:
    """Return what was done, and what has to wait."""
    what = f"{count(done.days)} days of {count(done.signals)} signals summed up into {count(done.minutes)} minutes"
    lines: list[RenderableType] = [title(profile, what)]
    if done.waiting:
        lines.append(f"{count(done.waiting)} days were written to a moment ago: again in five minutes, or by kado run")
    return lines


def downsampled_document(profile: Profile, done: "Downsampled") -> dict[str, Any]:
    """Return the same for programs."""
    return {"facility": profile.id, "simulated": profile.simulated, **asdict(done)}
