"""What became of an imported file."""

from dataclasses import asdict
from typing import Any

from rich.console import RenderableType

from collector.files.summary import ImportSummary
from console.output import local, table, title
from console.rounding import count
from facility.profile import Profile
from facility.time import format_time


def summary(profile: Profile, result: ImportSummary) -> list[RenderableType]:
    """Return what was read, stored and rejected, with line numbers."""
    zone = profile.zone
    lines: list[RenderableType] = [title(profile, f"import of {result.file}")]
    if result.finished_before_ns is not None:
        lines.append(f"imported before, {local(result.finished_before_ns, zone, offset=True)}; --again reads it anew")
    if result.resumed_after is not None:
        lines.append(f"went on after {result.row_word} {count(result.resumed_after)}, where it was interrupted")
    rows = table(order=["", "samples", "note"], right=["samples"])
    rows.add_row("read", count(result.read), "")
    span = f"{local(result.first_ns, zone)} to {local(result.last_ns, zone, offset=True)}" if result.stored else ""
    rows.add_row("stored", count(result.stored), span)
    if result.rewritten:
        differing = f"{count(result.conflicts)} of them said something different"
        rows.add_row("  known already", count(result.rewritten), differing if result.conflicts else "")
    for rejected in result.rejected:
        places = ", ".join(count(n) for n in rejected.first)
        more = ", ..." if rejected.count > len(rejected.first) else ""
        rows.add_row("rejected", count(rejected.count), f"{rejected.cause.words.en} ({result.row_word} {places}{more})")
    return [*lines, rows]


def summary_document(profile: Profile, result: ImportSummary) -> dict[str, Any]:
    """Return the same for programs."""
    times = {
        name.removesuffix("_ns"): None if ns is None else format_time(ns, profile.zone)
        for name in ("first_ns", "last_ns", "finished_before_ns")
        for ns in [getattr(result, name)]
    }
    kept = {k: v for k, v in asdict(result).items() if not k.endswith("_ns") and k != "rejected"}
    rejected = [{"cause": r.cause.value, "count": r.count, "first": list(r.first)} for r in result.rejected]
    return {"facility": profile.id, "simulated": profile.simulated, **kept, **times, "rejected": rejected}
