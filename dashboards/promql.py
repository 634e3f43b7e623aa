"""PromQL, as a panel asks it through Grafana's Prometheus data source."""

from dashboards.data_sources import DataSource
from dashboards.sdk import prometheus


def prom_query(
    expression: str, legend: str = "", *, over_time: bool = False, as_table: bool = False
) -> prometheus.Dataquery:
    """Return a query: its value now, or with `over_time` over the range of the dashboard."""
    return prometheus.Dataquery(
        expr=expression,
        legend_format=legend or None,
        datasource=DataSource.PROMETHEUS.reference,
        instant=not over_time,
        range_val=over_time,
        format_val=prometheus.PromQueryFormat.TABLE if as_table else prometheus.PromQueryFormat.TIME_SERIES,
        editor_mode=prometheus.QueryEditorMode.CODE,
        ref_id="A",
    )
