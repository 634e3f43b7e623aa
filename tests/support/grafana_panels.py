"""Asks the queries of a dashboard's JSON as Grafana does: macros and variables replaced, on real servers.

The macros are those of Grafana's documentation: for InfluxQL ``$timeFilter`` and ``$__interval``, for PromQL
``$__rate_interval``; variables as ``$name`` and ``${name}``.
"""

import json
import re
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

MAX_DATA_POINTS = 1_000
"""About the width of a panel in px."""
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Grafana:
    """What Grafana knows when it asks: data sources, the range of the dashboard, values of variables."""

    influxdb_url: str
    token: str
    buckets: Mapping[str, str]
    """By data source variable: telemetry, minutes, derived."""
    prometheus_url: str
    from_ms: int
    to_ms: int
    variables: Mapping[str, str]
    scrape_interval_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One answer: columns of equal length by name; the first is the time in ms, where there is one."""

    ref_id: str
    columns: dict[str, list[Any]]
    labels: dict[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()), []))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target of a panel returned."""

    query: str
    frames: list[Frame]
    took_s: float


def interval_of(grafana: Grafana, max_points: int = MAX_DATA_POINTS) -> str:
    """Return ``$__interval``: a round step that gives about as many points as the panel is wide."""
    wanted_ms = (grafana.to_ms - grafana.from_ms) / max_points
    steps_ms = [1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000]
    steps_ms += [3_600_000 * hours for hours in (1, 2, 3, 6, 12, 24, 168)]
    step = next((s for s in steps_ms if s >= wanted_ms), steps_ms[-1])
    return f"{step // 1_000}s"


def replaced(text: str, grafana: Grafana) -> str:
    """Return a query with its macros and variables replaced; one that stays is an error."""
    text = text.replace("$timeFilter", f"time >= {grafana.from_ms}ms and time <= {grafana.to_ms}ms")
    text = text.replace("$__interval", interval_of(grafana))
    step_s = int(interval_of(grafana)[:-1])
    text = text.replace(
        "$__rate_interval", f"{max(step_s + grafana.scrape_interval_s, 4 * grafana.scrape_interval_s):.0f}s"
    )
    for name, value in grafana.variables.items():
        text = re.sub(rf"\$\{{{name}\}}|\${name}\b", value, text)
    assert "$" not in text, f"not replaced: {text}"
    return text


def ask(target: Mapping[str, Any], grafana: Grafana) -> Answer:
    """Ask one target of a panel; an error of the server fails."""
    started = time.perf_counter()
    if target["datasource"]["type"] == "influxdb":
        query = replaced(target["query"], grafana)
        source = target["datasource"]["uid"].strip("${}")
        frames = _influxql(query, source, target, grafana)
    else:
        query = replaced(target["expr"], grafana)
        frames = _promql(query, target, grafana)
    return Answer(query, frames, time.perf_counter() - started)


def variable_values(variable: Mapping[str, Any], grafana: Grafana) -> list[str]:
    """Return what a variable of a dashboard may be set to, asked for as when the dashboard opens.

    Of an answer of InfluxQL Grafana takes the second column of each row where there is one (``SHOW TAG VALUES``), each
    value once.
    """
    query = replaced(variable["query"], grafana)
    source = variable["datasource"]["uid"].strip("${}")
    rows = [row for one in _asked(query, source, grafana) for row in one["values"]]
    return list(dict.fromkeys(str(row[1] if len(row) > 1 else row[0]) for row in rows))


def _influxql(query: str, source: str, target: Mapping[str, Any], grafana: Grafana) -> list[Frame]:
    ref_id, series = target["refId"], _asked(query, source, grafana)
    if target.get("resultFormat") == "table":
        return _table(ref_id, series)
    return [frame for one in series for frame in _series(ref_id, one, target.get("alias", ""))]


def _asked(query: str, source: str, grafana: Grafana) -> list[dict[str, Any]]:
    address = f"{grafana.influxdb_url}/query?{urlencode({'db': grafana.buckets[source], 'q': query, 'epoch': 'ms'})}"
    request = urllib.request.Request(address, headers={"Authorization": f"Token {grafana.token}"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        (result,) = json.loads(answer.read())["results"]
    assert "error" not in result, f"{query}: {result['error']}"
    return result.get("series", [])


def _table(ref_id: str, series: list[dict[str, Any]]) -> list[Frame]:
    columns: dict[str, list[Any]] = {}
    rows = 0
    for one in series:
        for values in one["values"]:
            row = {"Time": values[0], **one.get("tags", {}), **dict(zip(one["columns"][1:], values[1:], strict=True))}
            for name, value in row.items():
                columns.setdefault(name, [None] * rows).append(value)
            rows += 1
    return [Frame(ref_id, columns, {})] if rows else []


def _series(ref_id: str, one: dict[str, Any], alias: str) -> list[Frame]:
    times = [values[0] for values in one["values"]]
    found: list[Frame] = []
    for place, column in enumerate(one["columns"][1:], start=1):
        name = alias.replace("$col", column) if alias else f"{one['name']}.{column}"
        values = [row[place] for row in one["values"]]
        if any(value is not None for value in values):
            found.append(Frame(ref_id, {"Time": times, name: values}, one.get("tags", {})))
    return found


def _promql(query: str, target: Mapping[str, Any], grafana: Grafana) -> list[Frame]:
    if target.get("instant"):
        path, more = "query", {"time": grafana.to_ms / 1000}
    else:
        step = int(interval_of(grafana)[:-1])
        path, more = "query_range", {"start": grafana.from_ms / 1000, "end": grafana.to_ms / 1000, "step": max(step, 1)}
    address = f"{grafana.prometheus_url}/api/v1/{path}?{urlencode({'query': query, **more})}"
    with urllib.request.urlopen(address, timeout=120) as answer:
        document = json.loads(answer.read())
    assert document["status"] == "success", document
    results = document["data"]["result"]
    if target.get("format") == "table":
        return _prometheus_table(target["refId"], results)
    frames: list[Frame] = []
    for one in results:
        values = one.get("values") or [one["value"]]
        labels: dict[str, str] = one["metric"]
        name = _legend(target.get("legendFormat") or "", labels)
        times, numbers = [v[0] * 1000 for v in values], [float(v[1]) for v in values]
        frames.append(Frame(target["refId"], {"Time": times, name: numbers}, labels))
    return frames


def _legend(legend: str, labels: dict[str, str]) -> str:
    if not legend:
        return labels.get("__name__", "Value")
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), legend)


def _prometheus_table(ref_id: str, results: list[dict[str, Any]]) -> list[Frame]:
    if not results:
        return []
    names = sorted({name for one in results for name in one["metric"]})
    columns: dict[str, list[Any]] = {"Time": [one["value"][0] * 1000 for one in results]}
    for name in names:
        columns[name] = [one["metric"].get(name, "") for one in results]
    columns["Value"] = [float(one["value"][1]) for one in results]
    return [Frame(ref_id, columns, {})]
