"""Charts of a report, drawn once by Altair and used as SVG in every form.

Altair writes what a chart looks like, and names its rows; these are laid beside it as they are. To import pandas, for
frames that would be turned into the same rows, takes twice as long as all else here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

import altair as alt
import vl_convert as vlc

from kado.report.typeface import FAMILY

WIDTH: Final = 640
COLOURS: Final = {
    "delivered": "#3a7ca5",
    "low_beam": "#f2b134",
    "no_beam": "#c8402f",
    "unknown": "#9aa4ad",
    "study": "#7a6bb0",
    "tuning": "#5ba58c",
    "commissioning": "#4f9d69",
    "maintenance": "#d8c9a7",
    "shutdown": "#e9e4da",
    "unscheduled": "#f7f7f7",
    "planned": "#bcd7e6",
}
"""Dark enough apart to be distinguished on a grey print; every chart names them in a legend as well."""


Row = Mapping[str, object]
"""Values by column."""


def to_svg(chart: alt.TopLevelMixin, rows: Mapping[str, Sequence[Row]]) -> str:
    """Return a chart as SVG, its text as text.

    Parameters
    ----------
    rows
        Of each `_named` data of the chart.
    """
    spec = chart.to_dict()
    spec["datasets"] = {name: [{k: _written(v) for k, v in row.items()} for row in rows[name]] for name in rows}
    return vlc.vegalite_to_svg(spec, vl_version=_version(spec))


def _written(value: object) -> object:
    """Return a value as JSON has it; a time without an offset is the facility's."""
    return value.isoformat() if isinstance(value, datetime) else value


def _named(name: str) -> alt.Chart:
    """Return a chart of the rows that `to_svg` is given under a name."""
    return alt.Chart(alt.NamedData(name=name))


def _version(spec: dict[str, Any]) -> str:
    """Return the version of Vega-Lite that Altair wrote a specification for, such as ``5.20``."""
    return str(spec["$schema"]).rsplit("/v", 1)[1].removesuffix(".json").rsplit(".", 1)[0]


def _configured(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    styled: alt.TopLevelMixin = (
        cast("Any", chart)
        .configure(font=FAMILY, background="transparent")
        .configure_axis(labelFontSize=10, titleFontSize=10, titleFontWeight="normal", grid=True, gridColor="#e3e8ec")
        .configure_legend(labelFontSize=10, titleFontSize=10, orient="bottom", direction="horizontal", title=None)
        .configure_view(stroke=None)
    )
    return styled


def signal_chart(
    buckets: Sequence[Row],
    stretches: Sequence[tuple[datetime, datetime, str]],
    target: float | None,
    labels: dict[str, str],
    names: dict[str, str],
) -> str:
    """Draw the delivery signal of a period with its target; lost beam, low beam and unknown time are shaded.

    Parameters
    ----------
    buckets
        Each with time (datetime in the facility's zone, no offset), low, high, mean; at most 2,000. One without
        values breaks the line.
    stretches
        Shaded time: start, end, kind.
    target
        In the signal's unit.
    labels
        ``signal`` (with unit) and ``target``.
    names
        What each kind is called.
    """
    x = alt.X("time:T", title=None, axis=alt.Axis(format="%-m/%-d", labelOverlap=True))
    rows: dict[str, Sequence[Row]] = {"buckets": buckets}
    base = _named("buckets")
    highs = [cast("float", b["high"]) for b in buckets if b["high"] is not None]
    top = max([*highs, target or 0.0]) * 1.08 or 1.0
    y = alt.Y("low:Q", title=labels["signal"], scale=alt.Scale(domain=[0.0, top], nice=False))
    layers: list[Any] = []
    if stretches:
        kinds = [k for k in names if k in {kind for _, _, kind in stretches}]
        rows["shaded"] = [{"start": start, "end": end, "name": names[kind]} for start, end, kind in stretches]
        layers.append(
            _named("shaded")
            .mark_rect(opacity=0.45)
            .encode(
                x=alt.X("start:T", title=None),
                x2="end:T",
                color=alt.Color(
                    "name:N",
                    scale=alt.Scale(domain=[names[k] for k in kinds], range=[COLOURS[k] for k in kinds]),
                    legend=alt.Legend(title=None),
                ),
            )
        )
    layers.append(base.mark_area(color=COLOURS["delivered"], opacity=0.35, line=False).encode(x=x, y=y, y2="high:Q"))
    layers.append(base.mark_line(color=COLOURS["delivered"], strokeWidth=1.1).encode(x=x, y=alt.Y("mean:Q")))
    if target is not None:
        rows["target"] = [{"y": target, "text": labels["target"]}]
        rule = _named("target")
        layers.append(rule.mark_rule(strokeDash=[4, 3], color="#5b6875").encode(y="y:Q"))
        layers.append(
            rule.mark_text(align="left", dx=4, dy=-6, color="#5b6875", fontSize=10).encode(
                y="y:Q", x=alt.value(0), text="text:N"
            )
        )
    return to_svg(_configured(alt.layer(*layers).properties(width=WIDTH, height=190)), rows)


def calendar_chart(
    stretches: Sequence[Row], names: dict[str, str], labels: dict[str, str], domain: tuple[float, float], step: int
) -> str:
    """Draw a month as days by hours: what was planned, and what came of user time.

    Parameters
    ----------
    stretches
        Each with day (1 to 31, or an ISO date), start_h, end_h (hours of the day, 0 to 24), kind.
    names
        What each kind is called, in the order of the legend.
    labels
        ``day`` and ``hour``.
    """
    present = {str(s["kind"]) for s in stretches}
    kinds = [k for k in names if k in present]
    days = sorted({str(s["day"]) for s in stretches})
    chart = (
        _named("stretches")
        .mark_rect(stroke="white", strokeWidth=0.3)
        .encode(
            y=alt.Y("day:O", title=labels["day"], sort=days, axis=alt.Axis(labelFontSize=8)),
            x=alt.X(
                "start_h:Q",
                title=labels["hour"],
                scale=alt.Scale(domain=list(domain), nice=False),
                axis=alt.Axis(values=list(range(int(domain[0]), int(domain[1]) + 1, step)), grid=False),
            ),
            x2="end_h:Q",
            color=alt.Color(
                "name:N", scale=alt.Scale(domain=[names[k] for k in kinds], range=[COLOURS[k] for k in kinds])
            ),
        )
        .properties(width=WIDTH, height=alt.Step(10 if len(days) > 20 else 14))
    )
    return to_svg(_configured(chart), {"stretches": [{**s, "name": names[str(s["kind"])]} for s in stretches]})


def bars_chart(rows: Sequence[tuple[str, float]], axis: str) -> str:
    """Draw bars in the order given, such as downtime by system."""
    chart = (
        _named("bars")
        .mark_bar(color=COLOURS["no_beam"], height={"band": 0.65})
        .encode(
            y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
            # As many labels as fit: Vega hides those that would overlap, and their text would remain in the PDF.
            x=alt.X("value:Q", title=axis, axis=alt.Axis(tickCount=6)),
        )
        .properties(width=WIDTH - 120, height=alt.Step(20))
    )
    return to_svg(_configured(chart), {"bars": [{"name": name, "value": value} for name, value in rows]})


def months_chart(months: Sequence[Row], target: float | None, labels: dict[str, str]) -> str:
    """Draw the availability of each month with its bounds, beside the target.

    Parameters
    ----------
    months
        Each with month (text), value, lower, upper; None where there is none.
    """
    known = [m for m in months if m["value"] is not None]
    lowest = min([*(cast("float", m["lower"]) for m in known), target or 100.0] if known else [90.0, target or 100.0])
    floor = max(0.0, lowest - max(0.5, (100.0 - lowest) * 0.3))
    x = alt.X(
        "month:O", sort=[str(m["month"]) for m in months], title=None, axis=alt.Axis(labelAngle=0, labelFontSize=8)
    )
    scale = alt.Scale(domain=[floor, 100.0], nice=False)
    layers: list[Any] = [
        _named("known")
        .mark_rule(color="#5b6875", strokeWidth=6, opacity=0.3)
        .encode(x=x, y=alt.Y("lower:Q", scale=scale, title=labels["availability"]), y2="upper:Q"),
        _named("known").mark_point(color=COLOURS["delivered"], filled=True, size=60).encode(x=x, y="value:Q"),
    ]
    rows: dict[str, Sequence[Row]] = {"known": known}
    if target is not None:
        rows["target"] = [{"y": target}]
        layers.append(_named("target").mark_rule(strokeDash=[4, 3], color="#c8402f").encode(y="y:Q"))
    return to_svg(_configured(alt.layer(*layers).properties(width=WIDTH, height=170)), rows)
