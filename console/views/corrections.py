"""Corrections as the record shows them."""

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from console.output import local, title
from console.record import Said
from facility.profile import Profile
from facility.time import format_time


def correction_list(profile: Profile, listed: Sequence[Said]) -> list[RenderableType]:
    """Return the corrections, each with who said it and why."""
    heading = title(profile, "corrections 訂正")
    if not listed:
        return [heading, "none"]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column()
    for said in listed:
        rows.add_row(f"#{said.correction.id}", _words(profile, said))
    return [heading, rows]


def corrections_document(profile: Profile, listed: Sequence[Said]) -> dict[str, Any]:
    """Return the corrections for programs."""
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "corrections": [correction_document(profile, said) for said in listed],
    }


def correction_document(profile: Profile, said: Said) -> dict[str, Any]:
    """Return one correction for programs."""
    c, w, zone = said.correction, said.withdrawal, profile.zone
    return {
        "id": c.id,
        "assertion": c.assertion.value,
        "start": format_time(c.start_ns, zone),
        "end": format_time(c.end_ns, zone),
        "category": None if c.category is None else c.category.value,
        "limit": c.limit,
        "author": c.author,
        "reason": c.reason,
        "evidence": c.evidence,
        "recorded_at": format_time(c.recorded_at_ns, zone),
        "withdrawn": None
        if w is None
        else {"author": w.author, "reason": w.reason, "recorded_at": format_time(w.recorded_at_ns, zone)},
    }


def _words(profile: Profile, said: Said) -> Text:
    c, w, zone = said.correction, said.withdrawal, profile.zone
    text = Text(c.assertion.value, style="bold" if w is None else "strike")
    if c.category is not None:
        text.append(f" ({c.category.value})")
    if c.limit is not None:
        text.append(f" (to {c.limit:g} {profile.delivery.unit})")
    text.append(f"  {local(c.start_ns, zone)} to {local(c.end_ns, zone, offset=True)}", style="not bold")
    recorded = local(c.recorded_at_ns, zone)
    text.append(f"\n{c.author}, {recorded}: {c.reason}", style="not bold not strike")
    if c.evidence:
        text.append(f"\nevidence: {c.evidence}", style="not bold not strike")
    if w is not None:
        recorded = local(w.recorded_at_ns, zone)
        text.append(f"\nwithdrawn by {w.author}, {recorded}: {w.reason}", style="not bold not strike")
    return text
