"""InfluxQL, as a panel asks it through Grafana's InfluxDB data source."""

from dataclasses import dataclass, replace
from typing import Self

from dashboards.data_sources import DataSource
from dashboards.sdk import Dataquery

FACILITY = "\"facility\" = '${facility}'"
DEFINITION = "\"definition\" = '${definition}'"

RECENT = "time > now() - 2d"
"""Samples are asked for the days whose minutes are not summed up yet; the minutes hold what is older."""


@dataclass(frozen=True, kw_only=True)
class InfluxQuery(Dataquery):
    """One raw query. Grafana replaces ``$timeFilter``, ``$__interval`` and the dashboard's variables."""

    select: str
    measurement: str
    where: tuple[str, ...] = (FACILITY,)
    in_range: bool = True
    """Only what lies in the range of the dashboard."""
    group_by: str = ""
    order: str = ""
    """What follows the grouping, such as ``ORDER BY time DESC LIMIT 1``."""
    alias: str = ""
    source: DataSource = DataSource.DERIVED
    as_table: bool = False
    ref_id: str = "A"

    @property
    def text(self) -> str:
        """The query itself."""
        where = [*self.where, *(["$timeFilter"] if self.in_range else [])]
        parts = [f'SELECT {self.select} FROM "{self.measurement}"']
        parts += [f"WHERE {' AND '.join(where)}"] if where else []
        parts += [f"GROUP BY {self.group_by}"] if self.group_by else []
        return " ".join([*parts, *([self.order] if self.order else [])])

    def named(self, ref_id: str) -> Self:
        """Return the query under another letter of its panel."""
        return replace(self, ref_id=ref_id)

    def to_json(self) -> dict[str, object]:
        """Return the query as a dashboard's JSON holds it."""
        return {
            "refId": self.ref_id,
            "datasource": self.source.reference,
            "query": self.text,
            "rawQuery": True,
            "resultFormat": "table" if self.as_table else "time_series",
            **({"alias": self.alias} if self.alias else {}),
        }


@dataclass(frozen=True, kw_only=True)
class AnnotationTarget(InfluxQuery):
    """A query whose rows are drawn as marks, or as bands where a row has an end."""

    text_column: str
    tags_column: str
    end_column: str

    def to_json(self) -> dict[str, object]:
        """Return the query as an annotation's target holds it."""
        return {
            "refId": "Anno",
            "query": self.text,
            "queryType": "tags",
            "fromAnnotations": True,
            "textColumn": self.text_column,
            "tagsColumn": self.tags_column,
            "timeEndColumn": self.end_column,
            "titleColumn": "",
            "name": "",
        }
