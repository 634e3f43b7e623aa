"""kado's own knowledge that alarms may read: facts about kado, and figures of the running periods."""

from typing import Final

FACT_PERIOD_S: Final = 10.0
"""Facts are published this often, with the slot as stamp."""
FIGURE_PERIOD_S: Final = 60.0
"""Figures are published this often."""
PERIODS_HELD: Final = 3
"""How many periods a published value holds."""

FACTS: Final[dict[str, tuple[str, ...]]] = {
    "ledger_difference": (),
    "forwarder_state": ("idle", "sending", "retrying", "holding"),
    "landing_state": ("open", "full", "failing", "closed"),
    "landing_fill_pct": (),
    "disk_free_pct": (),
    "dead_letters": (),
    "mode_agreement": ("agrees", "contradicts"),
    "backup_age_h": (),
    "notify_oldest_s": (),
    "alarms_unknown": (),
}
"""Each fact with its words; none for a number."""

FIGURES: Final = (
    "availability_pct",
    "availability_lower_pct",
    "availability_upper_pct",
    "availability_without_excluded_pct",
    "coverage_pct",
    "availability_compensated_pct",
    "mtbf_h",
    "mttr_h",
    "mttr_unclipped_h",
    "mtbd_h",
    "longest_run_h",
    "longest_run_max_h",
    "delivered_mwh",
    "downtime_budget_h",
    "downtime_budget_unknown_h",
    "operating_time_h",
)
"""The keys of ``figures`` in the document of ``kado availability``."""

FIGURE_PERIODS: Final = ("day", "month", "quarter", "year", "fiscal_year", "run")
"""The running periods for which figures are published."""


def fact_series(name: str) -> str:
    """Return the name of the series that holds a fact."""
    return f"fact:{name}"


def figure_series(name: str, period: str) -> str:
    """Return the name of the series that holds a figure of a running period."""
    return f"figure:{name}:{period}"
