"""The availability of a period as a JSON document."""

from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from analytics.availability import FurtherSignal
from analytics.tags import TagTime, by_tag
from facility.time import NS_PER_H, format_time, to_s
from kado.queries.availability import AvailabilityReport
from kado.queries.events import event_documents
from kado.queries.figure_notes import figure_notes_document
from kado.queries.identity import identity


def tag_times(loaded: AvailabilityReport) -> dict[str, TagTime]:
    """Return the user time of each tag of the calendar."""
    return by_tag(loaded.availability, loaded.plan, loaded.definition, loaded.refill)


def availability_document(loaded: AvailabilityReport) -> dict[str, Any]:
    """Return the report for programs: full precision, None for what does not exist or was not looked for."""
    result, zone = loaded.availability, loaded.profile.zone
    accounts = {name: to_s(ns) for name, ns in asdict(result.accounts).items()}
    f, counts = result.figures, result.counts
    return {
        **identity(loaded.profile, definition=result.definition, period=result.period),
        "counted_until": format_time(result.counted_until_ns, zone),
        "as_known_on": format_time(loaded.as_known_on_ns, zone),
        "provisional": result.provisional,
        "accounts_s": accounts,
        "figures": {
            "availability_pct": f.availability_pct,
            "availability_lower_pct": f.availability_lower_pct,
            "availability_upper_pct": f.availability_upper_pct,
            "availability_without_excluded_pct": f.availability_without_excluded_pct,
            "coverage_pct": f.coverage_pct,
            "availability_compensated_pct": f.availability_compensated_pct,
            "mtbf_h": f.mtbf_h,
            "mttr_h": f.mttr_h,
            "mttr_unclipped_h": f.mttr_unclipped_h,
            "mtbd_h": f.mtbd_h,
            "longest_run_h": f.longest_run_h,
            "longest_run_max_h": f.longest_run_max_h,
            "delivered_mwh": result.delivered_mwh,
            "downtime_budget_h": None if loaded.budget is None else loaded.budget.left_h,
            "downtime_budget_unknown_h": None if loaded.budget is None else loaded.budget.unknown_h,
            "operating_time_h": result.accounts.operating / NS_PER_H,
        },
        "counts": {
            "failures": counts.failures,
            "trips": counts.trips,
            "low_beam": counts.low_beam,
            "other_distortions": counts.other_distortions,
            "other_distortions_by_id": {f.distortion.id: f.count for f in result.further},
            "distortions": counts.distortions,
            "glitches": counts.glitches,
            "sensor_faults": counts.sensor_faults,
            "mode_mismatches": counts.mode_mismatches,
        },
        "further_signals": [_further_document(f, zone) for f in result.further],
        "tags": {tag: {name: to_s(ns) for name, ns in asdict(time).items()} for tag, time in tag_times(loaded).items()},
        "events": event_documents(loaded),
        **figure_notes_document(loaded),
    }


def _further_document(found: FurtherSignal, zone: tzinfo) -> dict[str, Any]:
    d = found.distortion
    return {
        "id": d.id,
        "signal": d.signal,
        "label": {"en": d.name.en, "ja": d.name.ja},
        "distortions": found.count,
        "beam_s": to_s(found.beam_ns),
        "unknown_s": to_s(found.unknown_ns),
        "coverage_pct": found.coverage_pct,
        "excursions": [
            {
                "start": format_time(e.start_ns, zone),
                "end": format_time(e.end_ns, zone),
                "user_time_s": to_s(e.user_time.total),
            }
            for e in found.excursions
        ],
    }
