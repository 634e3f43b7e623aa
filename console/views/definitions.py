"""Accounting definitions in words."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from facility.definition import Definition, Mtbf

FORMULAS: Final = {
    Mtbf.USER_TIME_PER_FAILURES_PLUS_ONE: "user time / (N + 1)",
    Mtbf.USER_TIME_PER_FAILURE: "user time / N",
    Mtbf.KNOWN_UPTIME_PER_FAILURE: "(user time - no-beam) / N",
}
"""How each formula stands beside its figure; N is the number of failures."""


def explain(definitions: Sequence[Definition]) -> Text:
    """Return each definition's rules, a line each."""
    return Text("\n\n").join(_explain(definition) for definition in definitions)


def _explain(definition: Definition) -> Text:
    rows = [
        ("no beam", f"from below {_begin(definition)} until its {definition.no_beam_ends_at.value} limit is reached"),
        *(("needs", f"flag {flag}, without which there is no beam") for flag in definition.requires),
        *(("fails on", f"flag {flag}, with which there is no beam") for flag in definition.fails_on),
        ("glitch", _glitch(definition)),
        ("merging", _merging(definition)),
        *_trips(definition),
        (
            "notice",
            f"user time cancelled less than {definition.notice_days:g} days ahead stays user time, without beam",
        ),
        ("refill", "counts as delivered" if definition.refill_is_delivered else "is taken out of delivered time"),
        ("MTBF", FORMULAS[definition.mtbf]),
        *(("reference", reference) for reference in definition.references),
    ]
    if definition.limits_frozen_in_runs:
        rows.insert(1, ("limits", "stay within a run as they were at its start"))
    text = Text(f"{definition.id}: {definition.title.en} / {definition.title.ja}", style="bold", end="")
    for word, meaning in rows:
        text.append(f"\n  {word:<10}", style="not bold dim").append(meaning, style="not bold")
    return text


def _begin(definition: Definition) -> str:
    if definition.no_beam_below_fraction is None:
        return "the facility's minimum"
    return f"{100 * definition.no_beam_below_fraction:g} % of the facility's nominal"


def _glitch(definition: Definition) -> str:
    samples = f" or has fewer than {definition.min_samples} samples" if definition.min_samples > 1 else ""
    return f"a fall that a good sample ends in less than {definition.min_duration_s:g} s{samples}"


def _merging(definition: Definition) -> str:
    if not definition.merge_gap_s:
        return "none: each outage is its own"
    return f"outages less than {definition.merge_gap_s / 60:g} min apart are one"


def _trips(definition: Definition) -> list[tuple[str, str]]:
    if not definition.trip_below_s:
        return []
    downtime = "downtime" if definition.trips_are_downtime else "no downtime"
    return [("trips", f"outages of less than {definition.trip_below_s / 60:g} min: no failures, and {downtime}")]
