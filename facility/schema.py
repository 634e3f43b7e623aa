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
