"""Panels, one function a kind; every one has a title, a description and a look."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboards.influxql import InfluxQuery
from dashboards.look import Look
from dashboards.sdk import (
    Dataquery,
    barchart,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)

_LETTERS: Final = "ABCDEFGH"


@dataclass(frozen=True, slots=True)
class Words:
    """What stands over a panel, and what it answers."""

    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Override:
    """Another look for one field of a panel."""

    field: str
    properties: tuple[tuple[str, Any], ...]
    """Pairs of property and value, such as ``("unit", "percent")``."""


def stat_panel(
    words: Words, look: Look, query: Dataquery, *, field: str = "", size: int = 0, background: bool = False
) -> dashboard.Panel:
    """Return one big value.

    Parameters
    ----------
    field
        The field to show of a query that returns several; empty: every number.
    size
        Of the letters, in px; 0: as large as fits.
    background
        Whether the colour fills the panel.
    """
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND if background else common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.CENTER,
        text_mode=common.BigValueTextMode.VALUE,
        reduce_options=common.ReduceDataOptions(values=False, calcs=["last"], fields=f"/^{field}$/" if field else ""),
        text=common.VizTextDisplayOptions(value_size=size) if size else None,
    )
    return _panel("stat", words, look.config(), options, [query])


def series_panel(
    words: Words,
    look: Look,
    queries: Sequence[Dataquery],
    *,
    overrides: Sequence[Override] = (),
    style: timeseries.FieldConfig | None = None,
    thresholds: bool = False,
) -> dashboard.Panel:
    """Return lines over time; gaps in the data stay gaps. With `thresholds` they are drawn as dashed lines."""
    custom = style or timeseries.FieldConfig(
        line_width=1.5,
        fill_opacity=0,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
        line_interpolation=common.LineInterpolation.LINEAR,
    )
    if thresholds:
        custom.thresholds_style = common.GraphThresholdsStyleConfig(mode=common.GraphThresholdsStyleMode.DASHED)
    options = timeseries.Options(
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=[],
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.NONE),
    )
    return _panel("timeseries", words, look.config(custom), options, queries, overrides)


def timeline_panel(
    words: Words, look: Look, queries: Sequence[Dataquery], *, row_height: float = 0.85
) -> dashboard.Panel:
    """Return states over time, a lane for each series."""
    custom = statetimeline.FieldConfig(line_width=0, fill_opacity=85)
    options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        row_height=row_height,
        merge_values=True,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=[],
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE, sort=common.SortOrder.NONE),
    )
    return _panel("state-timeline", words, look.config(custom), options, queries)


def bars_panel(
    words: Words,
    look: Look,
    query: Dataquery,
    *,
    x_field: str,
    overrides: Sequence[Override] = (),
    horizontal: bool = False,
    stacked: bool = False,
    hidden: Sequence[str] = (),
    largest_first: str = "",
) -> dashboard.Panel:
    """Return bars, a group for each row of a table; `largest_first` names the field by which they are sorted."""
    options = barchart.Options(
        x_field=x_field,
        orientation=common.VizOrientation.HORIZONTAL if horizontal else common.VizOrientation.VERTICAL,
        stacking=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE,
        show_value=common.VisibilityMode.AUTO,
        bar_width=0.9,
        group_width=0.8,
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=[],
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.NONE),
    )
    panel = _panel("barchart", words, look.config(barchart.FieldConfig(fill_opacity=85)), options, [query], overrides)
    panel.transformations = _without(hidden)
    if largest_first:
        order: dict[str, Any] = {"fields": {}, "sort": [{"field": largest_first, "desc": True}]}
        sorting = dashboard.DataTransformerConfig(id_val="sortBy", options=order)
        panel.transformations = [*(panel.transformations or []), sorting]
    return panel


def table_panel(
    words: Words,
    look: Look,
    queries: Sequence[Dataquery],
    *,
    overrides: Sequence[Override] = (),
    hidden: Sequence[str] = (),
    renamed: dict[str, str] | None = None,
    largest_first: str = "",
) -> dashboard.Panel:
    """Return a table; `hidden` columns are left out, `renamed` ones get names for people and stand in that order.

    `largest_first` is the column, by the name that people see, by which the rows are sorted.
    """
    options = table.Options(show_header=True, cell_height=common.TableCellHeight.SM)
    if largest_first:
        options.sort_by = [common.TableSortByFieldState(display_name=largest_first, desc=True)]
    # The SDK gives every table a footer of its older kind, which newer Grafanas have no more.
    options.footer = None
    panel = _panel("table", words, look.config(table.FieldConfig(inspect=False)), options, queries, overrides)
    panel.transformations = _without(hidden, renamed or {})
    return panel


def text_panel(words: Words, content: str) -> dashboard.Panel:
    """Return words, as Markdown."""
    panel = dashboard.Panel(type_val="text", title=words.title, description=words.description)
    panel.options = text.Options(mode=text.TextMode.MARKDOWN, content=content)
    return panel


def _panel(
    kind: str,
    words: Words,
    defaults: dashboard.FieldConfig,
    options: object,
    queries: Sequence[Dataquery],
    overrides: Sequence[Override] = (),
) -> dashboard.Panel:
    lettered = [_lettered(query, letter) for query, letter in zip(queries, _LETTERS, strict=False)]
    panel = dashboard.Panel(type_val=kind, title=words.title, description=words.description, targets=lettered)
    panel.datasource = _data_source(lettered[0])
    panel.options = options
    panel.field_config = dashboard.FieldConfigSource(
        defaults=defaults,
        overrides=[
            dashboard.DashboardFieldConfigSourceOverrides(
                matcher=dashboard.MatcherConfig(id_val="byRegexp", options=f"/^{override.field}$/"),
                properties=[dashboard.DynamicConfigValue(id_val=name, value=v) for name, v in override.properties],
            )
            for override in overrides
        ],
    )
    return panel


def _data_source(query: Dataquery) -> common.DataSourceRef | None:
    if isinstance(query, InfluxQuery):
        return query.source.reference
    assert isinstance(query, prometheus.Dataquery)
    return query.datasource


def _lettered(query: Dataquery, letter: str) -> Dataquery:
    if isinstance(query, InfluxQuery):
        return query.named(letter)
    assert isinstance(query, prometheus.Dataquery)
    query.ref_id = letter
    return query


def _without(
    hidden: Sequence[str], renamed: dict[str, str] | None = None
) -> list[dashboard.DataTransformerConfig] | None:
    names = renamed or {}
    if not hidden and not names:
        return None
    options = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": names,
    }
    return [dashboard.DataTransformerConfig(id_val="organize", options=options)]
