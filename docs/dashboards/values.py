"""Values as Grafana shows them: units, mappings to words, colours of thresholds."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

COLORS = {
    "green": "#73bf69", "dark-green": "#37872d", "light-green": "#96d98d", "blue": "#5794f2", "light-blue": "#8ab8ff",
    "semi-dark-blue": "#3274d9", "orange": "#ff9830", "red": "#f2495c", "yellow": "#fade2a", "purple": "#b877d9",
    "transparent": "none",
}  # fmt: skip
PALETTE = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0"]


def color_of(name: str) -> str:
    """Return a colour of Grafana as CSS."""
    return COLORS.get(name, name)


def mapped(value: Any, mappings: list[dict[str, Any]]) -> tuple[str | None, str | None]:
    """Return the text and colour that a value is mapped to."""
    key = _key(value)
    for mapping in mappings:
        if mapping["type"] == "value" and key in mapping["options"]:
            found = mapping["options"][key]
            return found.get("text"), color_of(found["color"]) if "color" in found else None
    return None, None


def _key(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def threshold_color(value: Any, steps: list[dict[str, Any]]) -> str:
    """Return the colour of the step that a value is on."""
    color = steps[0]["color"]
    if isinstance(value, int | float):
        for step in steps[1:]:
            if value >= step["value"]:
                color = step["color"]
    return color_of(color)


def shown(value: Any, unit: str, decimals: int) -> str:
    """Return a value with its unit."""
    if isinstance(value, bool | str) or value is None:
        return "" if value is None else _key(value)
    if unit == "percent":
        return f"{value:.{decimals}f}%"
    if unit.startswith("suffix:"):
        return f"{value:,.{decimals}f} {unit.removeprefix('suffix:')}"
    if unit == "bytes":
        for word in ("B", "KiB", "MiB", "GiB"):
            if abs(value) < 1024 or word == "GiB":
                return f"{value:.{decimals}f} {word}"
            value /= 1024
    if unit == "s":
        for size, word in ((86_400, "days"), (3_600, "hours"), (60, "mins")):
            if abs(value) >= size:
                return f"{value / size:.{decimals}f} {word}"
        return f"{value:.{decimals}f} s" if abs(value) >= 1 else f"{value * 1000:.0f} ms"
    if unit in ("dthms", "dtdhms"):
        return duration(value, days=unit == "dtdhms")
    return f"{value:,.{decimals}f}"


def duration(seconds: float, *, days: bool) -> str:
    """Return a duration as hours, minutes and seconds, with days in front."""
    left = int(abs(seconds))
    whole, left = divmod(left, 86_400) if days else (0, left)
    text = f"{left // 3600:02d}:{left // 60 % 60:02d}:{left % 60:02d}"
    return ("-" if seconds < 0 else "") + (f"{whole} d {text}" if days else text)


def local(ms: float, zone: str) -> datetime:
    """Return an instant in the zone of the dashboard."""
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone))


def properties_of(panel: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what the overrides of a panel say of a field."""
    found: dict[str, Any] = {}
    for override in panel["fieldConfig"].get("overrides", []):
        if re.fullmatch(override["matcher"]["options"].strip("/").strip("^$"), name):
            found |= {p["id"]: p["value"] for p in override["properties"]}
    return found
