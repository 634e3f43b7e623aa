"""Draws docs/gallery/*.svg and writes docs/gallery/README.md: what the simulated machines do, in pictures.

Run it after a simulator or a scenario has changed: ``make gallery``. The page records a checksum of the samples
that each picture was drawn from; a test compares those of the short ones with what the simulators make today.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import altair as alt
import numpy as np

from facility.batch import Samples
from facility.profile import load_profile
from facility.schedule import Category
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, parse_time, to_datetime
from simulators.machine import Machine
from simulators.scenario import Effect, load_scenario

HERE: Final = Path(__file__).parent
WIDTH: Final = 760
POINTS: Final = 1200
"""Buckets a line: each drawn from its smallest to its largest value."""
SEED: Final = 1
COLOURS: Final = {
    Category.USER: "#4c78a8",
    Category.RESERVE: "#9ecae9",
    Category.STUDY: "#f58518",
    Category.TUNING: "#ffbf79",
    Category.COMMISSIONING: "#b79a20",
    Category.MAINTENANCE: "#bab0ac",
    Category.SHUTDOWN: "#6f6f6f",
}
Chart = Any
"""Altair's charts have no common type."""


@dataclass(frozen=True)
class Span:
    """A stretch of time of one simulated machine."""

    facility: str
    scenario: str
    start: str
    end: str

    @property
    def ns(self) -> tuple[int, int]:
        """Start and end."""
        return parse_time(self.start), parse_time(self.end)

    def machine(self) -> Machine:
        """Make the machine."""
        return Machine(load_profile(self.facility), load_scenario(self.scenario), SEED)

    def samples(self, *signals: str) -> dict[str, Samples]:
        """Return what the machine's instruments said."""
        parts: dict[str, list[Samples]] = {signal: [] for signal in signals}
        for batch in self.machine().history(*self.ns):
            for signal, samples in batch.by_signal():
                if signal in parts:
                    parts[signal].append(samples)
        return {signal: Samples.joined(found) for signal, found in parts.items()}

    def delivered(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what was truly delivered: stamps and values."""
        machine, (start, end) = self.machine(), self.ns
        days = [machine.stored_current(day) for day in range(start // NS_PER_DAY, (end - 1) // NS_PER_DAY + 1)]
        times, values = (np.concatenate(columns) for columns in zip(*days, strict=True))
        inside = (times >= start) & (times < end)
        return times[inside], values[inside]


@dataclass(frozen=True)
class Picture:
    """One picture of the page."""

    name: str
    title: str
    japanese: str
    text: str
    span: Span
    draw: Callable[[Span], Chart]


def checksum(span: Span) -> str:
    """Return what tells whether the samples of the delivery signal are still the same."""
    machine = span.machine()
    samples = span.samples(machine.profile.delivery_signal)[machine.profile.delivery_signal]
    return hashlib.sha256(samples.time_ns.tobytes() + samples.value.tobytes()).hexdigest()[:16]


# ------------------------------------------------------------------- marks


def moment(ns: int, span: Span) -> str:
    """Return an instant as the facility's clocks show it; drawn on a scale without time zones."""
    zone = load_profile(span.facility).zone
    return to_datetime(ns, zone).strftime("%Y-%m-%dT%H:%M:%S")


def time_axis(span: Span, *, labels: bool = True) -> Any:
    """Return the axis of time, the same for every row of a picture."""
    start, end = span.ns
    domain = [{"expr": f"utc({instant})"} for instant in (_parts(start, span), _parts(end, span))]
    days = (end - start) / NS_PER_DAY
    shown = "%b %Y" if days > 60 else "%d %b %H:%M" if days > 2 else "%H:%M" if days > 0.003 else "%H:%M:%S"
    axis = alt.Axis(title=None, labels=labels, ticks=labels, grid=True, labelFlush=True, format=shown)
    return alt.X("time:T", scale=alt.Scale(type="utc", domain=domain), axis=axis)


def _parts(ns: int, span: Span) -> str:
    t = to_datetime(ns, load_profile(span.facility).zone)
    return f"{t.year}, {t.month - 1}, {t.day}, {t.hour}, {t.minute}, {t.second}"


def buckets(times: np.ndarray, values: np.ndarray, span: Span) -> list[dict[str, Any]]:
    """Return smallest and largest value in each of many equal pieces of time; empty ones are left out."""
    start, end = span.ns
    width = max((end - start) // POINTS, NS_PER_S)
    edges = np.searchsorted(times, np.arange(start, end + width, width))
    rows: list[dict[str, Any]] = []
    for i, (a, b) in enumerate(pairwise(edges.tolist())):
        if a < b:
            low, high = float(values[a:b].min()), float(values[a:b].max())
            rows.append({"time": moment(start + i * width, span), "low": round(low, 3), "high": round(high, 3)})
    return rows


def band(rows: list[dict[str, Any]], span: Span, title: str, colour: str, height: int = 190, **scale: Any) -> Chart:
    """Return a line that is as thick as the values in each bucket lie apart."""
    y = alt.Y("low:Q", title=title, scale=alt.Scale(nice=True, **scale))
    base = alt.Chart(alt.Data(values=rows)).encode(x=time_axis(span))
    area = base.mark_area(color=colour, opacity=0.35, interpolate="step-after").encode(y=y, y2="high:Q")
    line = base.mark_line(color=colour, strokeWidth=1, interpolate="step-after").encode(y=alt.Y("high:Q", title=title))
    return (area + line).properties(width=WIDTH, height=height)


def limits(values: dict[str, float]) -> Chart:
    """Return horizontal lines with their names, by turns above and below."""
    chart: Chart = alt.LayerChart()
    for i, (name, value) in enumerate(values.items()):
        base = alt.Chart(alt.Data(values=[{"name": f"{name} {value:g}", "value": value}]))
        rule = base.mark_rule(strokeDash=[4, 3], color="#888").encode(y="value:Q")
        text = base.mark_text(align="right", dx=WIDTH, dy=12 if i % 2 else -6, x=0, color="#555", fontSize=10)
        chart += rule + text.encode(y="value:Q", text="name:N")
    return chart


def key(names: dict[str, str]) -> Chart:
    """Return what each colour stands for."""
    rows = [{"name": name} for name in names]
    scale = alt.Scale(domain=list(names), range=list(names.values()))
    colour = alt.Color("name:N", title=None, scale=scale, legend=alt.Legend(orient="top", symbolType="stroke"))
    return alt.Chart(alt.Data(values=rows)).mark_line(opacity=0).encode(color=colour)


def plan(span: Span, *, labels: bool = True) -> Chart:
    """Return the operation calendar as a strip."""
    start, end = span.ns
    blocks = [b for b in span.machine().plan(start, end).blocks if b.start_ns < end and start < b.end_ns]
    rows = [
        {
            "time": moment(max(b.start_ns, start), span),
            "until": moment(min(b.end_ns, end), span),
            "planned": b.category.value,
        }
        for b in blocks
    ]
    used = [c for c in COLOURS if any(b.category is c for b in blocks)]
    colour = alt.Color(
        "planned:N",
        title=None,
        scale=alt.Scale(domain=[c.value for c in used], range=[COLOURS[c] for c in used]),
        legend=alt.Legend(orient="bottom", direction="horizontal"),
    )
    strip = alt.Chart(alt.Data(values=rows)).mark_rect().encode(x=time_axis(span, labels=labels), x2="until:T")
    return strip.encode(color=colour).properties(width=WIDTH, height=16)


# ---------------------------------------------------------------- pictures


def draw_day(span: Span) -> Chart:
    """Return a day of a ring, and ten minutes of it."""
    signal = "stored_current"
    samples = span.samples(signal)[signal]
    day = band(buckets(samples.time_ns, samples.value, span), span, "stored current, mA", "#4c78a8", zero=True)
    start = span.ns[0] + 12 * NS_PER_H
    zoomed = Span(span.facility, span.scenario, *(_iso(ns, span) for ns in (start, start + NS_PER_H // 6)))
    near = samples.between(*zoomed.ns)
    rows = [
        {"time": moment(t, span), "low": round(v, 3), "high": round(v, 3)}
        for t, v in zip(near.time_ns.tolist(), near.value.tolist(), strict=True)
    ]
    ripple = band(rows, zoomed, "top-up, mA", "#e45756", 110, zero=False)
    return alt.vconcat(day, plan(span, labels=False), ripple)


def draw_dump(span: Span) -> Chart:
    """Return an outage as two monitors see it, with the limits that decide."""
    first, second = "stored_current", "stored_current_2"
    samples = span.samples(first, second)
    lines = band(buckets(samples[second].time_ns, samples[second].value, span), span, "mA", "#f58518", 260, zero=True)
    lines += band(buckets(samples[first].time_ns, samples[first].value, span), span, "mA", "#4c78a8", 260, zero=True)
    at = load_profile(span.facility).limits.at(Category.USER, span.ns[0])
    assert at is not None
    named = {"nominal": at.nominal, "recovered": at.recovered, "minimum": at.minimum}
    monitors = key({"first monitor": "#4c78a8", "second monitor": "#f58518"})
    return alt.vconcat(lines + limits(named) + monitors, plan(span, labels=False))


def draw_long(span: Span, *, title: str = "stored current, mA") -> Chart:
    """Return months or years of a ring, its calendar, and its outages by length."""
    times, values = span.delivered()
    current = band(buckets(times, values, span), span, title, "#4c78a8", zero=True)
    return alt.vconcat(current, plan(span, labels=False), outages(span))


def outages(span: Span) -> Chart:
    """Return the faults that took the beam, as points: when, and for how long."""
    machine, (start, end) = span.machine(), span.ns
    rows = [
        {
            "time": moment(f.start_ns, span),
            "minutes": round((f.end_ns - f.start_ns) / NS_PER_S / 60, 2),
            "cause": f.cause,
        }
        for f in machine.faults(start, end)
        if f.effect is Effect.BEAM_DUMP and start <= f.start_ns < end
    ]
    y = alt.Y("minutes:Q", title="repair, min", scale=alt.Scale(type="log"))
    points = alt.Chart(alt.Data(values=rows)).mark_point(filled=True, size=28, opacity=0.8)
    colour = alt.Color("cause:N", title=None, legend=alt.Legend(orient="bottom", columns=8))
    return points.encode(x=time_axis(span), y=y, color=colour).properties(width=WIDTH, height=110)


def draw_laser(span: Span) -> Chart:
    """Return a day of a free-electron laser."""
    signal = load_profile(span.facility).delivery_signal
    samples = span.samples(signal)[signal]
    beam = band(buckets(samples.time_ns, samples.value, span), span, "pulse energy, mJ", "#54a24b", zero=True)
    return alt.vconcat(beam, plan(span, labels=False))


def draw_spallation(span: Span) -> Chart:
    """Return a day of a spallation source in minutes, and a minute of it in seconds."""
    minutes, seconds = "proton_power_mean", "proton_power"
    samples = span.samples(minutes, seconds)
    beam = band(buckets(samples[minutes].time_ns, samples[minutes].value, span), span, "mean, kW", "#54a24b", zero=True)
    start = span.ns[0] + 6 * NS_PER_H
    zoomed = Span(span.facility, span.scenario, *(_iso(ns, span) for ns in (start, start + 60 * NS_PER_S)))
    near = samples[seconds].between(*zoomed.ns)
    closer = band(buckets(near.time_ns, near.value, zoomed), zoomed, "each second, kW", "#b79a20", 110, zero=False)
    return alt.vconcat(beam, plan(span, labels=False), closer)


def _iso(ns: int, span: Span) -> str:
    return to_datetime(ns, load_profile(span.facility).zone).isoformat()


PICTURES: Final = (
    Picture(
        "day",
        "A day in user operation",
        "利用運転の一日",
        "Above, the stored current of a whole day with its plan; below, ten minutes of it: the ring is refilled "
        "whenever it has lost half a percent, and the current monitor has its noise.",
        Span("nanoterasu_sim", "beam_dump", "2026-11-11T00:00:00+09:00", "2026-11-12T00:00:00+09:00"),
        draw_day,
    ),
    Picture(
        "dump",
        "A beam dump and its recovery",
        "ビームダンプと復旧",
        "The RF trips at 13:24:10 and is repaired 25 minutes later. The ring is filled in steps. The second monitor, "
        "drawn behind the first, agrees: no sensor fault. No-beam begins below *minimum* and ends at *recovered*.",
        Span("nanoterasu_sim", "beam_dump", "2026-11-12T13:00:00+09:00", "2026-11-12T15:00:00+09:00"),
        draw_dump,
    ),
    Picture(
        "dropout",
        "A current monitor that drops to zero",
        "電流計の欠測",
        "The first monitor reads zero while the second sees beam all the time: a sensor fault. kado counts the time as "
        "unknown until a person says what it was.",
        Span("nanoterasu_sim", "dcct_dropout", "2026-11-11T10:00:00+09:00", "2026-11-11T11:00:00+09:00"),
        draw_dump,
    ),
    Picture(
        "ramp",
        "The ramp to 400 mA",
        "400 mA への道のり",
        "Twenty-seven months: 160 mA from April 2024, 200 mA from July, 400 mA shown in machine studies in July 2025, "
        "then steps up to 400 mA for users. The steps between are assumed.",
        Span("nanoterasu_sim", "ramp_to_400ma", "2024-04-01T00:00:00+09:00", "2026-07-01T00:00:00+09:00"),
        draw_long,
    ),
    Picture(
        "year",
        "A fiscal year",
        "一年度",
        "April 2024 to March 2025 with the calendar of a Japanese fiscal year, and each outage by its cause and the "
        "time that its repair took.",
        Span("nanoterasu_sim", "fy2024", "2024-04-01T00:00:00+09:00", "2025-04-01T00:00:00+09:00"),
        draw_long,
    ),
    Picture(
        "fel",
        "A day of a free-electron laser",
        "自由電子レーザーの一日",
        "Pulse energy with its jitter; RF discharges are many and short.",
        Span("sacla_sim", "rf_discharges", "2026-11-11T00:00:00+09:00", "2026-11-12T00:00:00+09:00"),
        draw_laser,
    ),
    Picture(
        "spallation",
        "A day of a spallation source",
        "核破砕中性子源の一日",
        "Proton beam power on target, as one-minute means, which decide; below, a minute of one-second values, which "
        "dip while the main ring takes pulses. After a stop the power is raised slowly, to spare the target.",
        Span("mlf_sim", "target_stop", "2026-11-11T00:00:00+09:00", "2026-11-12T00:00:00+09:00"),
        draw_spallation,
    ),
)


def page(pictures: Iterator[Picture] | tuple[Picture, ...] = PICTURES) -> str:
    """Return the text of the page."""
    lines = [
        "# Gallery: what the simulated machines do",
        "",
        "> **要約** 模擬施設の動作を図で示します。すべて模擬データです。図は `make gallery` で作り直せます。",
        "",
        "Drawn by `docs/gallery/write_gallery.py` from the simulators themselves; do not edit. **All of it "
        "is SIMULATED / 模擬データ.** Seed 1 throughout; a line is as thick as the values in each piece of time lie "
        "apart. The same scenario and seed gives the same picture on every machine:",
        "",
        "    $ kado simulate --scenario beam_dump --seed 1 --out dump --format parquet",
    ]
    for p in pictures:
        lines += [
            "",
            f"## {p.title} {p.japanese}",
            "",
            p.text,
            "",
            f"![{p.title}]({p.name}.svg)",
            "",
            f"{p.span.facility}, scenario `{p.span.scenario}`, {p.span.start} to {p.span.end}; "
            f"checksum of the samples {checksum(p.span)}",
        ]
    return "\n".join(lines) + "\n"


def write(names: list[str], folder: Path = HERE) -> None:
    """Draw the pictures named, or all, and write the page."""
    for p in PICTURES:
        if names and p.name not in names:
            continue
        chart = p.draw(p.span).properties(
            title=alt.TitleParams(p.title, subtitle=f"SIMULATED  {p.span.facility}, {p.span.scenario}", anchor="start")
        )
        chart = chart.resolve_scale(x="independent", color="independent").configure_view(stroke=None)
        chart.configure_axis(gridColor="#eee", labelColor="#444", titleColor="#444").save(folder / f"{p.name}.svg")
    (folder / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1:])
