"""Whether all that is kept is whole."""

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from console.care.verifying import Verdict
from console.output import title
from console.rounding import count, size
from facility.profile import Profile


def verdict_lines(profile: Profile, verdict: Verdict) -> list[RenderableType]:
    """Return what was looked at, and each finding with its remedy."""
    lines: list[RenderableType] = [title(profile, "store verify")]
    seen = verdict.verified
    if seen.files:
        depth = "samples and minutes" if verdict.deep else "samples"
        lines.append(
            f"read {count(seen.files)} sealed files, {count(seen.samples)} {depth}, {size(seen.bytes)};"
            " looked through telemetry.db, journal.db and the ledger"
        )
    else:
        lines.append("looked through telemetry.db, journal.db and the ledger; there are no sealed files")
    if verdict.repaired:
        lines.append(f"made the minutes of {count(verdict.repaired)} files anew from their samples")
    if not verdict.findings:
        return [*lines, "everything is as it should be"]
    for finding in verdict.findings:
        lines += ["", Text(finding.file, style="bold"), f"  {finding.what}", f"  remedy: {finding.remedy}"]
    return lines


def verdict_document(profile: Profile, verdict: Verdict) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "deep": verdict.deep,
        "files": verdict.verified.files,
        "samples": verdict.verified.samples,
        "bytes": verdict.verified.bytes,
        "repaired": verdict.repaired,
        "findings": [{"file": f.file, "what": f.what, "remedy": f.remedy} for f in verdict.findings],
    }
