"""Where panels get their data: four data sources of Grafana, chosen by variables of the dashboard."""

from enum import Enum

from dashboards.sdk import common


class DataSource(Enum):
    """A data source: the variable that names it, its type, and the uid that provisioning gives it."""

    TELEMETRY = ("telemetry", "influxdb")
    """The bucket of samples."""
    MINUTES = ("minutes", "influxdb")
    """The bucket of minutes, for long ranges."""
    DERIVED = ("derived", "influxdb")
    """The bucket of figures, events, beam state and plan."""
    PROMETHEUS = ("prometheus", "prometheus")
    """What `kado run` says of itself, and of now."""

    def __init__(self, variable: str, kind: str) -> None:
        self.variable = variable
        self.kind = kind

    @property
    def uid(self) -> str:
        """The uid in ``deploy/grafana/provisioning/datasources``."""
        return f"kado-{self.variable}"

    @property
    def reference(self) -> common.DataSourceRef:
        """The data source as a panel names it: whichever is chosen in the dashboard's variable."""
        return common.DataSourceRef(type_val=self.kind, uid=f"${{{self.variable}}}")
