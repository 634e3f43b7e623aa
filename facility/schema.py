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
"""In the same bucket: a day (UTC) of which the minutes are there, stamped with its last ns.
Fields ``seen`` and ``made`` (integers)."""
MINUTES_TOUCHED: Final = "minutes_touched"
"""Beside the samples: a day that was written to after it had ended, stamped likewise.
Fields ``token`` and ``at`` (integers); the minutes of that day hold only where ``seen`` is the same token."""
