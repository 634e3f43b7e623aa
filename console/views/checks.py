"""What a check found."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from console.checks import Outcome
from facility.profile import Profile


def outcome_line(outcome: Outcome) -> Text:
    """Return one check as a line."""
    line = Text("ok       " if outcome.ok else "PROBLEM  ", style="green" if outcome.ok else "bold red", end="")
    return line.append(f"{outcome.what:<16} ", style="default not bold").append(
        outcome.detail, style="default not bold"
    )


def checks_document(profile: Profile, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all checks for programs."""
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "ok": all(o.ok for o in outcomes),
        "checks": [{"what": o.what, "ok": o.ok, "detail": o.detail} for o in outcomes],
    }
