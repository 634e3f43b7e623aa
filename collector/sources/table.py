"""The kinds of source that the collector offers."""

from typing import Final

SOURCES: Final[dict[str, str]] = {
    "archiver": "collector.sources.archiver.spec:ArchiverSource",
    "epics_ca": "collector.sources.epics_ca.spec:EpicsCaSource",
    "epics_pva": "collector.sources.epics_pva.spec:EpicsPvaSource",
    "http": "collector.sources.http.spec:HttpSource",
    "mqtt": "collector.sources.mqtt.spec:MqttSource",
    "tango": "collector.sources.tango.spec:TangoSource",
}
"""Kind as ``[[source]]`` names it -> ``module:class`` of its spec, imported on use."""
