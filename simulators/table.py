"""The kinds of source that the simulators offer."""

from typing import Final

SOURCES: Final[dict[str, str]] = {"simulator": "simulators.source:SimulatorSource"}
"""Kind as ``[[source]]`` names it -> ``module:class`` of its spec, imported on use."""
