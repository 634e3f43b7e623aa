"""The kinds of source that the collector offers."""

from typing import Final

SOURCES: Final[dict[str, str]] = {"mqtt": "collector.sources.mqtt.spec:MqttSource"}
"""Kind as ``[[source]]`` names it -> ``module:class`` of its spec, imported on use."""
