"""The kinds of source that the collector offers."""

from typing import Final

SOURCES: Final[dict[str, str]] = {
    "epics_ca": "collector.sources.epics_ca.spec:EpicsCaSource",
    "http": "collector.sources.http.spec:HttpSource",
    "mqtt": "collector.sources.mqtt.spec:MqttSource",
}
"""Kind as ``[[source]]`` names it -> ``module:class`` of its spec, imported on use."""
