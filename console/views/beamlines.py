"""Beamlines beside the machine."""

from dataclasses import asdict
from typing import Any

from rich.console import RenderableType

from analytics.figures import percentage
from console.beamlines import BeamlineReport
from console.output import local, table, title
from console.rounding import NONE, percent, split_hours
from facility.time import format_time, to_s


def beamline_table(found: BeamlineReport) -> list[RenderableType]:
    """Return each beamline's hours, the machine's in the first row."""
    loaded, zone = found.machine, found.machine.profile.zone
    heads = ["user h", "delivered h", "%", "open h", "open with beam h", "unknown h"]
    rows = table(order=["beamline", *heads], right=heads)
    accounts = loaded.availability.accounts
    share = percent(percentage(accounts.delivered, accounts.known))
    rows.add_row("the machine 加速器", hours(accounts.user_time), hours(accounts.delivered), share, "", "", "")
    for b in found.beamlines:
        m, s = b.machine, b.shutter
        share = percent(percentage(m.delivered, m.user_time - m.unknown))
        shutter = [NONE] * 3
        if s is not None:
            shutter = [hours(ns) for ns in (s.open, s.open_with_beam, s.unknown)]
        name = b.beamline.label.en if b.beamline.label else b.beamline.id
        rows.add_row(name, hours(m.user_time), hours(m.delivered), share, *shutter)
    period = f"{local(loaded.part.start_ns, zone, offset=True)} to {local(loaded.part.end_ns, zone, offset=True)}"
    return [
        title(loaded.profile, "beamlines ビームライン"),
        f"Period      {period}",
        f"Definition  {loaded.definition.id}: {loaded.definition.title.en}",
        "",
        rows,
        "",
        "user, delivered: of the machine, in each beamline's own user time; open, unknown: its shutter, in the same",
    ]


def hours(ns: int) -> str:
    """Return a time in hours with two decimals; these are parts of each other, not of a sum."""
    return f"{split_hours({'': ns})['']:,}"


def beamlines_document(found: BeamlineReport) -> dict[str, Any]:
    """Return the same for programs, in seconds; None where a shutter is not recorded."""
    loaded, zone = found.machine, found.machine.profile.zone
    accounts = loaded.availability.accounts
    return {
        "facility": loaded.profile.id,
        "simulated": loaded.profile.simulated,
        "definition": loaded.definition.id,
        "period": {
            "id": loaded.availability.period.id,
            "start": format_time(loaded.part.start_ns, zone),
            "end": format_time(loaded.part.end_ns, zone),
        },
        "machine_s": {name: to_s(getattr(accounts, name)) for name in ("user_time", "delivered", "no_beam", "unknown")},
        "beamlines": [
            {
                "id": b.beamline.id,
                "tag": b.beamline.tag,
                "machine_s": {name: to_s(ns) for name, ns in asdict(b.machine).items()},
                "shutter_s": None if b.shutter is None else {name: to_s(ns) for name, ns in asdict(b.shutter).items()},
            }
            for b in found.beamlines
        ],
    }
