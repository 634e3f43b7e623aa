"""Whether kado is ready: linked, landing, its store answering, its figures fresh; and if not, why not."""

from typing import Final

from collector.forwarder_status import ForwarderState
from collector.landing_status import LandingState
from collector.source_status import LinkState
from facility.time import NS_PER_S
from kado.service.application_status import ApplicationStatus
from kado.service.current_figures import Current

FIGURES_FRESH_S: Final = 120.0
LOOP_FRESH_S: Final = 10.0


def reasons_not_ready(
    status: ApplicationStatus, current: Current | None, problems: dict[str, str], now_ns: int
) -> list[str]:
    """Return what keeps kado from being ready, one sentence each; nothing when it is."""
    reasons = [
        f"source {name} is {source.state.value}" + (f": {source.last_error}" if source.last_error else "")
        for name, source in status.sources.items()
        if source.state is not LinkState.UP
    ]
    if status.landing.state is not LandingState.OPEN:
        reasons.append(f"landing is {status.landing.state.value}: {status.landing.problem}")
    if status.forwarder is not None and status.forwarder.state in (ForwarderState.HOLDING, ForwarderState.RETRYING):
        reasons.append(f"the forwarder is {status.forwarder.state.value}: {status.forwarder.problem}")
    if "figures" in problems:
        reasons.append(f"the figures cannot be computed: {problems['figures']}")
    elif current is None:
        reasons.append("the figures are not computed yet")
    elif (age_s := (now_ns - current.figures.now_ns) / NS_PER_S) > FIGURES_FRESH_S:
        reasons.append(f"the figures are {age_s:.0f} s old, more than {FIGURES_FRESH_S:.0f} s")
    if "publishing" in problems:
        reasons.append(f"the derived series cannot be published: {problems['publishing']}")
    return reasons
