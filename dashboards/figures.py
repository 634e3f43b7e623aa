"""Panels that show one figure of a period."""

from typing import Final

from dashboards.influxql import DEFINITION, FACILITY, InfluxQuery
from dashboards.look import BLUE, GREEN, ORANGE, RED, Look, over
from dashboards.panels import Words, stat_panel
from dashboards.sdk import dashboard
from dashboards.subject import Subject
from facility.schema import FIELD_COUNTED_UNTIL, FIGURES

PLAIN: Final[tuple[tuple[float | None, str], ...]] = ((None, BLUE),)


def newest_figure(fields: str, period: str) -> InfluxQuery:
    """Return the query for fields of the newest period of a kind; absent where the figure does not exist."""
    return InfluxQuery(
        select=f'{fields}, "{FIELD_COUNTED_UNTIL}"',
        measurement=FIGURES,
        where=(FACILITY, DEFINITION, f"\"period\" = '{period}'"),
        in_range=False,
        order="ORDER BY time DESC LIMIT 1",
        as_table=True,
    )


def figure_panel(words: Words, look: Look, field: str, period: str, *, select: str = "") -> dashboard.Panel:
    """Return one figure of the running period of a kind; `select` computes it where it is no field by itself."""
    return stat_panel(words, look, newest_figure(select or f'"{field}"', period), field=field)


def availability_look(subject: Subject) -> Look:
    """Return how an availability looks: against the facility's target, where there is one."""
    target = subject.profile.target_availability_pct
    steps: tuple[tuple[float | None, str], ...] = PLAIN
    if target is not None:
        steps = over((0.0, RED), (target - 1.0, ORANGE), (target, GREEN))
    return Look("percent", 2, subject.say("no user time known", "利用時間の実績なし"), steps, least=0.0, most=100.0)


def count_look(subject: Subject) -> Look:
    """Return how a number of things looks."""
    return Look("none", 0, subject.say("no figure yet", "集計前"), PLAIN)
