"""What every dashboard of kado has: variables, events as annotations, links to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboards.data_sources import DataSource
from dashboards.influxql import DEFINITION, FACILITY, AnnotationTarget
from dashboards.layout import Row, place
from dashboards.sdk import dashboard
from dashboards.subject import Subject
from facility.schema import BEAM_STATE, EVENTS, FIGURES

TAG: Final = "kado"
NO_INTERVAL: Final[dict[str, Any]] = {"auto": None, "auto_min": None, "auto_count": None}
"""What the SDK gives every variable, and Grafana knows of interval variables alone."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How a dashboard is named and opened."""

    name: str
    """In file names and uids."""
    title: str
    description: str
    since: str
    """Where its range begins, such as ``now-24h``."""
    refresh: str
    sources: tuple[DataSource, ...] = tuple(DataSource)
    shaded: bool = True
    """Whether events are drawn over lines."""
    variables: tuple[dashboard.VariableModel, ...] = ()


def build_dashboard(subject: Subject, frame: Frame, rows: Sequence[Row]) -> dashboard.Dashboard:
    """Return a dashboard of panels in rows."""
    placed = place(rows)
    return dashboard.Dashboard(
        uid=f"kado-{frame.name}-{subject.language}",
        title=frame.title,
        description=frame.description,
        tags=[TAG, subject.language],
        timezone=subject.profile.time_zone,
        editable=True,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=frame.since, to="now"),
        fiscal_year_start_month=subject.profile.fiscal_year_starts_in - 1,
        week_start="monday",
        refresh=frame.refresh,
        panels=list(placed),
        templating=dashboard.DashboardDashboardTemplating(
            list_val=[*(_source_variable(subject, s) for s in frame.sources), *_identity(subject), *frame.variables]
        ),
        annotations=dashboard.AnnotationContainer(list_val=_annotations(subject, placed) if frame.shaded else []),
        links=[
            dashboard.DashboardLink(
                title=subject.say("kado dashboards", "kado ダッシュボード"),
                type_val=dashboard.DashboardLinkType.DASHBOARDS,
                icon="external link",
                tags=[TAG, subject.language],
                as_dropdown=False,
                include_vars=True,
                keep_time=False,
            )
        ],
    )


def _identity(subject: Subject) -> list[dashboard.VariableModel]:
    profile = subject.profile
    return [
        query_variable(
            "facility",
            subject.say("Facility", "施設"),
            DataSource.DERIVED,
            f'SHOW TAG VALUES FROM "{FIGURES}" WITH KEY = "facility"',
            profile.id,
        ),
        query_variable(
            "definition",
            subject.say("Definition", "集計定義"),
            DataSource.DERIVED,
            f'SHOW TAG VALUES FROM "{FIGURES}" WITH KEY = "definition" WHERE {FACILITY}',
            profile.definition,
        ),
    ]


def query_variable(name: str, label: str, source: DataSource, query: str, current: str) -> dashboard.VariableModel:
    """Return a variable whose values are asked for when the dashboard opens."""
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        **NO_INTERVAL,
        name=name,
        label=label,
        datasource=source.reference,
        query=query,
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        sort=dashboard.VariableSort.ALPHABETICAL_ASC,
        current=dashboard.VariableOption(selected=True, text=current, value=current),
    )


def _source_variable(subject: Subject, source: DataSource) -> dashboard.VariableModel:
    labels = {
        DataSource.TELEMETRY: subject.say("Samples", "サンプル"),
        DataSource.MINUTES: subject.say("Minutes", "1分値"),
        DataSource.DERIVED: subject.say("Figures", "集計値"),
        DataSource.PROMETHEUS: "Prometheus",
    }
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        **NO_INTERVAL,
        name=source.variable,
        label=labels[source],
        query=source.kind,
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        hide=dashboard.VariableHide.DONT_HIDE,
        current=dashboard.VariableOption(selected=True, text=source.uid, value=source.uid),
    )


def _annotations(subject: Subject, placed: Sequence[dashboard.Panel]) -> list[dashboard.AnnotationQuery]:
    """Return the annotations; they are drawn over signals, and over nothing else."""
    samples = DataSource.TELEMETRY.reference.uid, DataSource.MINUTES.reference.uid
    lines = [p for p in placed if p.type_val == "timeseries" and p.datasource and p.datasource.uid in samples]
    only = dashboard.AnnotationPanelFilter(exclude=False, ids=[p.id_val for p in lines if p.id_val is not None])
    text = f"text_{subject.language}"
    kinds = (
        ("no_beam", subject.say("No beam", "ビーム停止"), "red"),
        ("low_beam", subject.say("Low beam", "低電流"), "orange"),
    )
    found = [
        _annotation(
            name,
            color,
            only,
            AnnotationTarget(
                select=f'"{text}", "end_ms", "id"',
                measurement=EVENTS,
                where=(FACILITY, DEFINITION, f"\"kind\" = '{kind}'"),
                text_column=text,
                tags_column="id",
                end_column="end_ms",
            ),
        )
        for kind, name, color in kinds
    ]
    unknown = AnnotationTarget(
        select='"state", "end_ms"',
        measurement=BEAM_STATE,
        where=(FACILITY, DEFINITION, "\"state\" = 'unknown'"),
        text_column="state",
        tags_column="",
        end_column="end_ms",
    )
    return [*found, _annotation(subject.say("Unknown", "不明"), "purple", only, unknown)]


def _annotation(
    name: str, color: str, only: dashboard.AnnotationPanelFilter, target: AnnotationTarget
) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name=name,
        datasource=DataSource.DERIVED.reference,
        enable=True,
        hide=False,
        icon_color=color,
        filter_val=only,
        target=target,
    )
