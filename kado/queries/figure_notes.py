"""Notes to a figure: corrections in force, calendar versions recorded late, warnings."""

from dataclasses import asdict
from typing import Any

from analytics.effects import Effect
from facility.time import format_time, to_s
from kado.language import in_language, tr
from kado.queries.availability import AvailabilityReport, WithoutBackDated
from kado.queries.corrections import RecordedCorrection, correction_document
from kado.queries.late_samples import late_samples_document
from kado.queries.warning_words import cadence_words, limit_words


def figure_notes_document(loaded: AvailabilityReport) -> dict[str, Any]:
    """Return all of it for programs."""
    cadence = loaded.cadence
    with in_language("en"):
        warnings = warnings_of(loaded)
    return {
        "corrections": [
            {
                **correction_document(loaded.profile, RecordedCorrection(a.correction, confirmation=a.confirmation)),
                "changes": effect_document(a.effect),
            }
            for a in loaded.corrections
        ],
        "awaiting_confirmation": [
            correction_document(loaded.profile, RecordedCorrection(c, awaiting=True)) for c in loaded.awaiting
        ],
        "without_back_dated_versions": [_without(loaded, late) for late in loaded.without_back_dated],
        "late_samples": late_samples_document(loaded.late_samples, loaded.profile),
        "look_around_cut": loaded.look_around_cut,
        "warnings": list(warnings),
        "cadence": None
        if cadence is None
        else {
            "signal": cadence.signal,
            "spacing_s": to_s(cadence.spacing_ns),
            "stale_after_s": to_s(cadence.stale_after_ns),
            "unknown_pct": cadence.unknown_pct,
        },
    }


def effect_document(effect: Effect) -> dict[str, Any]:
    """Return what a correction changes, in seconds and counts."""
    return {
        name.removesuffix("_ns") + "_s" if name.endswith("_ns") else name: to_s(value)
        if name.endswith("_ns")
        else value
        for name, value in asdict(effect).items()
    }


def warnings_of(loaded: AvailabilityReport) -> tuple[str, ...]:
    """Return what makes the figure less trustworthy than it looks, each with what to do, in the language of now."""
    found = [limit_words(warning) for warning in loaded.limit_warnings]
    if loaded.cadence is not None and loaded.cadence.is_too_slow:
        found.append(cadence_words(loaded.cadence))
    if loaded.look_around_cut:
        found.append(
            tr(
                "gaps or an outage around the period are very long: only a part of them was read, "
                "and the bounds hold for that part"
            )
        )
    return tuple(found)


def _without(loaded: AvailabilityReport, found: WithoutBackDated) -> dict[str, Any]:
    zone, version, result = loaded.profile.zone, found.version, found.availability
    return {
        "published_at": format_time(version.published_at_ns, zone),
        "recorded_at": None if version.recorded_at_ns is None else format_time(version.recorded_at_ns, zone),
        "start": format_time(version.start_ns, zone),
        "end": format_time(version.end_ns, zone),
        "availability_pct": None if result is None else result.figures.availability_pct,
        "failures": None if result is None else result.counts.failures,
        "user_time_s": None if result is None else to_s(result.accounts.user_time),
    }
