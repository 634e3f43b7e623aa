"""Panels with axes, drawn by Altair: lines, bars, lanes of states."""

from typing import Any

import altair as alt
import vl_convert
from values import PALETTE, color_of, local, mapped, properties_of

from grafana_panels import Frame

TEXT, GRID, FONT = "#ccccdc", "#2c3036", "DejaVu Sans, BIZ UDPGothic, sans-serif"
LETTER_W, LEGEND_H = 7.2, 15
MIB = 1048576


def lines(
    panel: dict[str, Any], frames: list[Frame], bands: list[dict[str, Any]], scene: Any, size: tuple[int, int]
) -> str:
    """Return a time series panel as SVG."""
    config = panel["fieldConfig"]["defaults"]
    custom = config.get("custom", {})
    rows: list[dict[str, Any]] = []
    colors: dict[str, str] = {}
    dashes: dict[str, list[float]] = {}
    widths: dict[str, float] = {}
    for frame in frames:
        times, (name, values) = frame.columns["Time"], list(frame.columns.items())[1]
        said = properties_of(panel, name)
        color = said.get("color", config.get("color", {}))
        fixed = color.get("fixedColor")
        colors[name] = color_of(fixed) if fixed else PALETTE[len(colors) % len(PALETTE)]
        style = said.get("custom.lineStyle", {})
        dashes[name] = style.get("dash", [6, 4]) if style.get("fill") == "dash" else [1, 0]
        widths[name] = said.get("custom.lineWidth", custom.get("lineWidth", 1.5))
        if config["unit"] == "bytes":
            values = [None if v is None else v / MIB for v in values]
        rows += [{"t": _wall(t, scene.zone), "v": v, "s": name} for t, v in zip(times, values, strict=True)]
    names = list(colors)
    x_scale = alt.Scale(type="utc", domain=[_wall(scene.from_ms, scene.zone), _wall(scene.to_ms, scene.zone)])
    x = alt.X("t:T", title=None, scale=x_scale, axis=_time_axis(scene))
    y_scale = alt.Scale(zero=config.get("min") == 0, **_domain(config, custom, rows))
    y = alt.Y("v:Q", title=custom.get("axisLabel") or None, scale=y_scale, axis=_value_axis(config))
    color = alt.Color("s:N", title=None, scale=alt.Scale(domain=names, range=[colors[n] for n in names]), sort=None)
    base = alt.Chart(alt.Data(values=rows))
    layers: list[Any] = []
    if bands:
        spans = [
            {"a": _wall(b["from"], scene.zone), "b": _wall(b["to"], scene.zone), "c": color_of(b["color"])}
            for b in bands
        ]
        layers.append(
            alt.Chart(alt.Data(values=spans))
            .mark_rect(opacity=0.28)
            .encode(x=alt.X("a:T", title=None, scale=x_scale), x2="b:T", color=alt.Color("c:N", scale=None))
        )
    if custom.get("drawStyle") == "bars":
        layers.append(
            base.mark_bar(size=2).encode(
                x=x, y=alt.Y("v:Q", title=None, stack="zero", axis=_value_axis(config)), color=color
            )
        )
    else:
        interpolate = "step-after" if custom.get("lineInterpolation") == "stepAfter" else "linear"
        for name in names:
            part = base.transform_filter(alt.datum.s == name)
            mark = part.mark_line(strokeWidth=widths[name], strokeDash=dashes[name], interpolate=interpolate)
            layers.append(mark.encode(x=x, y=y, color=color))
    if custom.get("thresholdsStyle", {}).get("mode") == "dashed":
        edges = [
            {"v": s["value"], "c": color_of(s["color"])}
            for s in config["thresholds"]["steps"]
            if s["value"] is not None
        ]
        layers.append(
            alt.Chart(alt.Data(values=edges))
            .mark_rule(strokeDash=[10, 6])
            .encode(y=alt.Y("v:Q", scale=y_scale), color=alt.Color("c:N", scale=None))
        )
    return _svg(alt.layer(*layers).resolve_scale(color="independent"), size, legend=names, colors=colors)


def _value_axis(config: dict[str, Any]) -> alt.Axis:
    """Return an axis whose numbers have their unit, as Grafana writes them."""
    unit = config["unit"]
    written = {"percent": "%", "s": " s", "bytes": " MiB"}.get(
        unit, f" {unit.removeprefix('suffix:')}" if ":" in unit else ""
    )
    return alt.Axis(labelExpr=f"datum.label + '{written}'", tickCount=5)


def _domain(config: dict[str, Any], custom: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    values = [r["v"] for r in rows if r["v"] is not None]
    if not values:
        return {}
    low, high = config.get("min", min(values)), config.get("max", max(values))
    high = max(high, custom.get("axisSoftMax", high))
    edges = [s["value"] for s in config["thresholds"]["steps"] if s["value"] is not None]
    if custom.get("thresholdsStyle") and edges:
        high = max(high, *(e * 1.03 for e in edges))
    return {"domain": [low, high if high > low else low + 1]}


def bars(panel: dict[str, Any], frame: Frame, scene: Any, size: tuple[int, int]) -> str:
    """Return a bar chart as SVG."""
    del scene
    config, options = panel["fieldConfig"]["defaults"], panel["options"]
    hidden = {"Time"}
    for step in panel.get("transformations") or []:
        hidden |= set(step["options"].get("excludeByName", {}))
    across = options["xField"]
    names = [n for n in frame.columns if n != across and n not in hidden]
    rows: list[dict[str, Any]] = []
    labels: list[str] = []
    colors: dict[str, str] = {}
    for name in names:
        said = properties_of(panel, name)
        label = said.get("displayName", name)
        labels.append(label)
        colors[label] = color_of(said.get("color", {}).get("fixedColor", PALETTE[len(colors)]))
        rows += [
            {"x": str(x), "v": v, "s": label, "text": "" if v is None else f"{v:.{int(config['decimals'])}f}"}
            for x, v in zip(frame.columns[across], frame.columns[name], strict=True)
        ]
    scale = alt.Scale(domain=[config.get("min", 0), config["max"]], clamp=True) if "max" in config else alt.Scale()
    color = alt.Color("s:N", scale=alt.Scale(domain=labels, range=[colors[n] for n in labels]), legend=None)
    base = alt.Chart(alt.Data(values=rows))
    if options["orientation"] == "horizontal":
        y = alt.Y("x:N", title=None, sort=_order_of(panel, frame, across))
        chart = base.mark_bar().encode(y=y, x=alt.X("v:Q", title=None), color=color)
        chart += base.mark_text(align="left", dx=3, color=TEXT, fontSize=10).encode(y=y, x="v:Q", text="text:N")
    else:
        x = alt.X("x:N", title=None, sort=None, axis=alt.Axis(labelAngle=0 if len(frame.columns[across]) < 7 else -40))
        offset = alt.XOffset("s:N", sort=labels)
        y = alt.Y("v:Q", title=None, scale=scale)
        chart = base.mark_bar().encode(x=x, y=y, y2=alt.datum(config.get("min", 0)), xOffset=offset, color=color)
        if len(rows) <= 16:
            chart += base.mark_text(dy=-5, color=TEXT, fontSize=9).encode(x=x, y=y, xOffset=offset, text="text:N")
    return _svg(chart, size, legend=labels, colors=colors)


def _order_of(panel: dict[str, Any], frame: Frame, across: str) -> list[str]:
    """Return what stands across, in the order in which the panel sorts its rows."""
    places = list(range(frame.rows))
    for step in panel.get("transformations") or []:
        for rule in step["options"].get("sort", []):
            column = frame.columns[rule["field"]]
            places.sort(key=lambda place, column=column: column[place], reverse=rule["desc"])
    return [str(frame.columns[across][place]) for place in places]


def lanes(panel: dict[str, Any], frames: list[Frame], scene: Any, size: tuple[int, int]) -> str:
    """Return a state timeline as SVG."""
    mappings = panel["fieldConfig"]["defaults"]["mappings"]
    spans: list[dict[str, Any]] = []
    order: list[str] = []
    for frame in frames:
        times, (name, values) = frame.columns["Time"], list(frame.columns.items())[1]
        order.append(name)
        ends = [*times[1:], scene.to_ms]
        for begin, end, value in zip(times, ends, values, strict=True):
            if value is None:
                continue
            text, color = mapped(value, mappings)
            last = spans[-1] if spans else None
            if last and last["s"] == name and last["value"] == value and last["end"] == begin:
                last["end"] = end
            else:
                spans.append(
                    {
                        "s": name,
                        "begin": begin,
                        "end": end,
                        "value": value,
                        "text": text or str(value),
                        "c": color or "#888",
                    }
                )
    whole = scene.to_ms - scene.from_ms
    rows = [
        {
            "s": span["s"], "a": _wall(span["begin"], scene.zone), "b": _wall(span["end"], scene.zone), "c": span["c"],
            "text": span["text"] if (span["end"] - span["begin"]) / whole * size[0] > 9 * len(span["text"]) else "",
        }
        for span in spans
    ]  # fmt: skip
    x_scale = alt.Scale(type="utc", domain=[_wall(scene.from_ms, scene.zone), _wall(scene.to_ms, scene.zone)])
    base = alt.Chart(alt.Data(values=rows))
    y = alt.Y("s:N", title=None, sort=order)
    chart = base.mark_bar(opacity=0.85).encode(
        x=alt.X("a:T", title=None, scale=x_scale, axis=_time_axis(scene)),
        x2="b:T",
        y=y,
        color=alt.Color("c:N", scale=None),
    )
    chart += base.mark_text(align="left", dx=4, color="#111217", fontSize=11).encode(x="a:T", y=y, text="text:N")
    seen = {span["text"]: span["c"] for span in spans}
    return _svg(chart, size, legend=list(seen), colors=seen)


def _time_axis(scene: Any) -> alt.Axis:
    hours = (scene.to_ms - scene.from_ms) / 3_600_000
    return alt.Axis(format="%H:%M" if hours <= 48 else "%Y-%m-%d", labelOverlap=True)


def _wall(ms: float, zone: str) -> float:
    """Return the instant whose UTC clock shows what the zone's clock shows then."""
    offset = local(ms, zone).utcoffset()
    assert offset is not None
    return ms + offset.total_seconds() * 1000


def _svg(chart: Any, size: tuple[int, int], *, legend: list[str], colors: dict[str, str]) -> str:
    """Return a chart of that size as SVG, its legend below, in as many lines as it needs."""
    width, height = size
    rows = _legend_rows(legend, width)
    spec = chart.properties(width=width - 70, height=height - 37 - LEGEND_H * len(rows)).to_dict(validate=False)
    axis = {
        "labelColor": TEXT, "titleColor": TEXT, "gridColor": GRID, "domainColor": GRID, "tickColor": GRID,
        "labelFont": FONT, "titleFont": FONT, "labelFontSize": 10, "titleFontSize": 11,
    }  # fmt: skip
    spec["config"] = {
        "background": None, "axis": axis, "view": {"stroke": None}, "legend": {"disable": True},
        "text": {"font": FONT}, "axisX": {"grid": False, "format": None} | axis, "bar": {"continuousBandSize": 2},
    }  # fmt: skip
    spec["padding"] = 4
    spec["autosize"] = {"type": "pad"}
    marks = [vl_convert.vegalite_to_svg(spec)]
    for place, names in enumerate(rows):
        x, y = 46.0, height - 7 - LEGEND_H * (len(rows) - 1 - place)
        for name in names:
            marks.append(f'<rect x="{x}" y="{y - 6}" width="12" height="4" fill="{colors[name]}"/>')
            marks.append(f'<text x="{x + 16}" y="{y}" font-size="11" fill="{TEXT}">{escaped(name)}</text>')
            x += _legend_width(name)
    return "".join(marks)


def _legend_rows(names: list[str], width: int) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    for name in names:
        if rows[-1] and sum(map(_legend_width, [*rows[-1], name])) > width - 56:
            rows.append([])
        rows[-1].append(name)
    return rows


def _legend_width(name: str) -> float:
    return 34 + sum(11.5 if ord(c) > 255 else LETTER_W for c in name)


def escaped(text: str) -> str:
    """Return text as SVG takes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
