"""A dashboard drawn from its own JSON, panel by panel at its gridPos, with the real answers of its own queries."""

import re
from dataclasses import dataclass
from typing import Any

import vl_convert
from charts import TEXT, bars, escaped, lanes, lines
from small_png import smaller
from values import color_of, local, mapped, properties_of, shown, threshold_color

from grafana_panels import Answer, Frame

CELL_W, CELL_H, GAP = 50, 34, 8
LETTER_W = 7.4
"""About the width in px of a letter of a table; a Japanese one is 1.8 times as wide."""
SMALL_W = 6.4
"""The same of small print."""
BACKGROUND, SURFACE = "#111217", "#1a1d22"
FONT = "DejaVu Sans, BIZ UDPGothic, sans-serif"


@dataclass(frozen=True, slots=True)
class Scene:
    """What the panels of a dashboard share."""

    from_ms: int
    to_ms: int
    zone: str
    variables: dict[str, str]


def draw(
    document: dict[str, Any], answers: dict[int, list[Answer]], bands: list[dict[str, Any]], scene: Scene
) -> bytes:
    """Return the picture of a dashboard as PNG."""
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in document["panels"])
    width_px, height_px = 24 * CELL_W + GAP, height * CELL_H + GAP + 40
    begin, end = (f"{local(ms, scene.zone):%Y-%m-%d %H:%M}" for ms in (scene.from_ms, scene.to_ms))
    chosen = "   ".join(f"{name}: {value}" for name, value in scene.variables.items())
    parts = [
        f'<rect width="{width_px}" height="{height_px}" fill="{BACKGROUND}"/>',
        f'<text x="12" y="26" font-size="18" fill="{TEXT}">{escaped(document["title"])}</text>',
        f'<text x="{width_px - 12}" y="26" font-size="12" fill="#8e8e9a" text-anchor="end">'
        f"{escaped(chosen)}   {begin} – {end}</text>",
    ]
    for panel in document["panels"]:
        at = panel["gridPos"]
        x, y = at["x"] * CELL_W + GAP, at["y"] * CELL_H + 40 + GAP
        size = (at["w"] * CELL_W - GAP, at["h"] * CELL_H - GAP)
        found = [frame for answer in answers.get(panel["id"], []) for frame in answer.frames]
        drawn = _panel(panel, found, bands, scene, size)
        parts.append(f'<svg x="{x}" y="{y}" width="{size[0]}" height="{size[1]}">{drawn}</svg>')
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_px}" height="{height_px}" font-family="{FONT}">'
        f"{''.join(parts)}</svg>"
    )
    return smaller(vl_convert.svg_to_png(svg, scale=1.0))


def _panel(
    panel: dict[str, Any], frames: list[Frame], bands: list[dict[str, Any]], scene: Scene, size: tuple[int, int]
) -> str:
    width, height = size
    title = panel["title"]
    for name, value in scene.variables.items():
        title = title.replace(f"${{{name}}}", value)
    head = f'<text x="10" y="19" font-size="13" fill="{TEXT}">{escaped(title)}</text>'
    frame = f'<rect width="{width}" height="{height}" rx="2" fill="{SURFACE}" stroke="#24272d"/>'
    inner = (width, height - 26)
    kind = panel["type"]
    if kind == "text":
        return frame + head + _moved(_markdown(panel["options"]["content"], inner))
    if kind == "stat":
        return _stat(panel, frames, size, frame, head)
    frames = [f for f in frames if f.rows]
    if not frames:
        empty = panel["fieldConfig"]["defaults"]["noValue"]
        return (
            frame
            + head
            + f'<text x="{width / 2}" y="{height / 2 + 10}" font-size="15" fill="#8e8e9a" text-anchor="middle">'
            + f"{escaped(empty)}</text>"
        )
    if kind == "timeseries":
        over = [band for band in bands if panel["id"] in band["ids"]]
        drawn = lines(panel, frames, over, scene, inner)
    elif kind == "barchart":
        drawn = bars(panel, frames[0], scene, inner)
    elif kind == "state-timeline":
        drawn = lanes(panel, frames, scene, inner)
    else:
        drawn = _table(panel, frames[0], scene, inner)
    return frame + head + _moved(drawn)


def _moved(drawn: str) -> str:
    return f'<g transform="translate(0,26)">{drawn}</g>'


def _stat(panel: dict[str, Any], frames: list[Frame], size: tuple[int, int], frame: str, head: str) -> str:
    config, options = panel["fieldConfig"]["defaults"], panel["options"]
    wanted = options["reduceOptions"]["fields"].strip("/")
    values: list[Any] = []
    for found in frames:
        fields = {**{k: [v] for k, v in found.labels.items()}, **found.columns}
        for name, column in fields.items():
            if name == "Time" or (not wanted and name in found.labels):
                continue
            if not wanted or re.fullmatch(wanted.strip("^$"), name):
                values.append(column[-1])
    values = [v for v in values if v is not None][:2]
    width, height = size
    if not values:
        text, color = config["noValue"], threshold_color(None, config["thresholds"]["steps"])
        texts = [(text, color)]
    else:
        texts = []
        for value in values:
            text, color = mapped(value, config["mappings"])
            texts.append(
                (
                    text or shown(value, config["unit"], int(config["decimals"])),
                    color or threshold_color(value, config["thresholds"]["steps"]),
                )
            )
    filled = options["colorMode"] == "background"
    background = f'<rect width="{width}" height="{height}" rx="2" fill="{texts[0][1]}"/>' if filled else frame
    drawn = [background, head.replace(TEXT, "#111217") if filled and texts[0][1] != "#3d4148" else head]
    each = width / len(texts)
    for place, (text, color) in enumerate(texts):
        length = sum(1.05 if ord(c) > 255 else 0.88 if c.isupper() else 0.68 for c in text)
        fits = min((height - 34) * 0.62, (each - 20) / max(length, 1))
        letters = min(fits, options.get("text", {}).get("valueSize", 60))
        ink = ("#ffffff" if texts[0][1] == "#3d4148" else "#111217") if filled else color_of(color)
        drawn.append(
            f'<text x="{each * (place + 0.5)}" y="{(height + 26) / 2 + letters * 0.35}" font-size="{letters:.0f}" '
            f'font-weight="bold" fill="{ink}" text-anchor="middle">{escaped(text)}</text>'
        )
    return "".join(drawn)


def _table(panel: dict[str, Any], found: Frame, scene: Scene, size: tuple[int, int]) -> str:
    config = panel["fieldConfig"]["defaults"]
    hidden: set[str] = set()
    renamed: dict[str, str] = {}
    order: dict[str, int] = {}
    for step in panel.get("transformations") or []:
        hidden |= set(step["options"].get("excludeByName", {}))
        renamed |= step["options"].get("renameByName", {})
        order |= step["options"].get("indexByName", {})
    names = [n for n in found.columns if n not in hidden]
    names.sort(key=lambda name: order.get(name, len(order)))
    places = list(range(found.rows))
    for rule in panel["options"].get("sortBy") or []:
        (column,) = [n for n in names if renamed.get(n, n) == rule["displayName"]]
        places.sort(key=lambda place, column=column: found.columns[column][place], reverse=rule["desc"])
    cells: list[list[tuple[str, str]]] = []
    for row in places[: (size[1] - 26) // 21]:
        line: list[tuple[str, str]] = []
        for name in names:
            value = found.columns[name][row]
            if name == "Time":
                line.append((f"{local(value, scene.zone):%m-%d %H:%M:%S}", TEXT))
                continue
            text, color = mapped(value, config["mappings"])
            own = config | properties_of(panel, name)
            plain = shown(value, own["unit"], int(own["decimals"]))
            line.append((text or plain, color or TEXT))
        cells.append(line)
    lengths = [
        max([_length(renamed.get(name, name)), *(_length(line[i][0]) for line in cells)])
        for i, name in enumerate(names)
    ]
    scale = min(1.0, (size[0] - 20) / max(sum(lengths) * LETTER_W + 14 * len(lengths), 1))
    lefts = [10 + sum(w * LETTER_W + 14 for w in lengths[:i]) * scale for i in range(len(names))]
    drawn = [
        f'<text x="{x}" y="14" font-size="11" fill="#8e8e9a">{escaped(renamed.get(n, n))}</text>'
        for x, n in zip(lefts, names, strict=True)
    ]
    for row, line in enumerate(cells):
        for x, (text, color) in zip(lefts, line, strict=True):
            drawn.append(
                f'<text x="{x}" y="{34 + row * 21}" font-size="{12 * scale:.1f}" fill="{color}">{escaped(text)}</text>'
            )
    return "".join(drawn)


def _length(text: str) -> float:
    return sum(1.8 if ord(c) > 255 else 1.25 if c.isupper() else 1.0 for c in text)


def _markdown(content: str, size: tuple[int, int]) -> str:
    drawn: list[str] = []
    y = 18
    for line in content.splitlines():
        if re.fullmatch(r"[|:\- ]+", line) and "-" in line:
            continue
        if line.startswith("|"):
            columns = [c.strip() for c in line.strip("|").split("|")]
            for text, x in zip(columns, (10, 110, 220), strict=False):
                drawn.append(f'<text x="{x}" y="{y}" font-size="12" fill="{TEXT}">{escaped(text)}</text>')
            y += 19
            continue
        for part in _wrapped(line, (size[0] - 20) / SMALL_W):
            drawn.append(f'<text x="10" y="{y}" font-size="11" fill="#8e8e9a">{escaped(part)}</text>')
            y += 16
    return "".join(drawn)


def _wrapped(line: str, width: float) -> list[str]:
    """Return a line in parts that are no wider than so many letters, cut between words, or between Japanese letters."""
    parts = [""]
    for word in re.findall(r"[^\s\u0100-\uffff]+\s*|[\u0100-\uffff]|\s+", line):
        if parts[-1] and _length(parts[-1] + word.rstrip()) > width:
            parts.append("")
        parts[-1] += word
    return [part for part in parts if part]
