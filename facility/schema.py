"""Names of what kado stores, as dashboards and scripts rely on them."""

from typing import Final

TELEMETRY: Final = "telemetry"
"""InfluxDB measurement of samples: tags ``facility``, ``signal``."""
FIELD_VALUE: Final = "value"
"""float; absent for a state and for a bad sample without a number."""
FIELD_STATE: Final = "state"
"""string; absent for a number."""
FIELD_QUALITY: Final = "quality"
"""string: ``good``, ``uncertain``, ``bad``; always present, so counting it counts samples."""
FIELD_REASON: Final = "reason"
"""string; only where there is one."""
FIELD_ARRIVAL: Final = "arrival"
"""integer, ns; only where it differs from the stamp by more than the clock tolerance."""

MINUTES: Final = "minutes"
"""InfluxDB measurement in the bucket ``<bucket>_1m``: what a minute comes to, stamped with its start; same tags.
Fields ``count`` (integer), ``mean``, ``min``, ``max``, ``last`` (floats), ``known`` (integer, ns)."""
MINUTES_DONE: Final = "minutes_done"
"""In the same bucket: a day (UTC) whose minutes are complete, stamped with its last ns.
Fields ``seen`` and ``made`` (integers)."""
MINUTES_TOUCHED: Final = "minutes_touched"
"""Beside the samples: a day that was written to after it had ended, stamped likewise.
Fields ``token`` and ``at`` (integers); the minutes of that day hold only where ``seen`` is the same token."""

DERIVED_SUFFIX: Final = "_derived"
"""The bucket ``<bucket>_derived`` holds what kado computes, for Grafana; `kado publish --rebuild` builds it again."""

FIGURES: Final = "figures"
"""Tags ``facility``, ``definition``, ``period`` (``day``, ``week``, ``month``, ``fiscal_year`` or ``last_12_months``);
time is the start of the period. Fields are the keys of ``figures`` and ``counts`` in `kado availability`, the keys of
``accounts_s`` with ``_s`` behind them, and those named below. A field is absent where the figure does not exist."""
"""``day``, ``week``, ``month`` and ``fiscal_year`` that are running stand beside those that are complete;
of ``last_12_months`` there is one, which ends now."""
FIELD_ID: Final = "id"
"""string; the period as people write it, such as ``2026-10``."""
FIELD_COMPLETE: Final = "complete"
"""boolean; whether the period is over."""
FIELD_COUNTED_UNTIL: Final = "counted_until_ms"
"""integer, ms since 1970; always present."""
FIELD_SIMULATED: Final = "simulated"
"""boolean; always present."""
FIELD_TARGET: Final = "target_availability_pct"
"""float; the facility's promise, absent where it states none."""
FIELD_YEAR_BEFORE: Final = "availability_year_before_pct"
"""float; of months: the availability of the same month a year earlier."""

USE: Final = "use"
"""User time by tag of the calendar: tags ``facility``, ``definition``, ``period``, ``tag``; time as `FIGURES`.
Fields ``user_time_s``, ``delivered_s``, ``no_beam_s``, ``unknown_s``, ``counted_until_ms``."""

BEAM_STATE: Final = "beam_state"
"""Tags ``facility``, ``definition``; time is when the state begins, and each ten minutes while it lasts.
Fields ``state`` (``up``, ``low``, ``none``, ``unknown`` or ``outside``), ``nominal``, ``tolerance``, ``minimum``
(limits in force, in the delivery signal's unit)."""
"""``outside`` is time outside user time in which the beam is neither low nor gone."""

EVENTS: Final = "events"
"""Tags ``facility``, ``definition``, ``kind`` (``no_beam``, ``trip``, ``low_beam``), ``system`` (of the incident on
record; ``none`` without one); time is the start. Fields ``id``, ``open``, ``end_ms``, ``duration_s``, ``user_time_s``,
``cause``, ``text_en``, ``text_ja``."""

PLAN: Final = "plan"
"""Tag ``facility``; time is the start of a block, and each ten minutes while it lasts.
Fields ``category``, ``block_tags``, ``run``, ``note``, ``end_ms``; ``unscheduled`` where nothing is planned."""
