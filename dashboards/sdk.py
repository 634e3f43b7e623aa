"""The dashboard types of the Grafana Foundation SDK, which warns on import that a newer format exists.

Provisioning files and the import dialog take the format used here in every Grafana from version 10 on.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models import dashboard

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import barchart, common, prometheus, stat, statetimeline, table, text, timeseries

__all__ = [
    "Dataquery",
    "JSONEncoder",
    "barchart",
    "common",
    "dashboard",
    "prometheus",
    "stat",
    "statetimeline",
    "table",
    "text",
    "timeseries",
]
