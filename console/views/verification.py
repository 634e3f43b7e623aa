"""Whether kado found what truly happened."""

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType

from console.output import table, title
from console.verification import Difference
from facility.profile import Profile
from facility.time import format_time
from simulators.answer_key import AnswerKey


def differences(profile: Profile, key: AnswerKey, found: Sequence[Difference]) -> list[RenderableType]:
    """Return what was compared, and a row for each difference."""
    period = f"{format_time(key.period.start, profile.zone)} to {format_time(key.period.end, profile.zone)}"
    lines: list[RenderableType] = [
        title(profile, f"scenario {key.scenario}, seed {key.seed}, definition {key.definition}"),
        f"Period   {period}",
        f"Compared {len(key.outages)} losses of beam, {len(key.low_beam)} low beams, {len(key.glitches)} glitches, "
        f"{len(key.unknown)} unknown stretches, 5 accounts",
    ]
    if not found:
        return [*lines, "kado found what happened: no difference"]
    rows = table(["what", "happened", "kado found"])
    for difference in found:
        rows.add_row(difference.what, difference.expected or "nothing", difference.found or "nothing")
    return [*lines, "", rows]


def differences_document(profile: Profile, key: AnswerKey, found: Sequence[Difference]) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "scenario": key.scenario,
        "seed": key.seed,
        "definition": key.definition,
        "agrees": not found,
        "differences": [{"what": d.what, "expected": d.expected, "found": d.found} for d in found],
    }
