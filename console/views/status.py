"""How things stand."""

import math
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from console.output import age, local, table, title
from console.rounding import count
from console.standing import Standing
from console.views.outlook import outlook_document, outlook_line
from facility.quality import Quality
from facility.signals import LINK_HOLD_NS
from facility.time import format_time
from storage.store import LastValue


def status_report(standing: Standing) -> list[RenderableType]:
    """Return service, links, plan, newest samples and ledger."""
    profile, now_ns = standing.profile, standing.now_ns
    zone = profile.zone
    service = "no kado is running" if standing.pid is None else f"kado is running, pid {standing.pid}"
    lines: list[RenderableType] = [
        title(profile, "status"),
        f"Time     {local(now_ns, zone, offset=True)}",
        f"Service  {service}; {standing.store} store",
        f"Planned  {_planned(standing)}",
    ]
    lines += [f"Link     {source} {_link(word, now_ns)}" for source, word in standing.links.items()]
    rows = table(order=["signal", "newest", "unit", "quality", "age"], right=["newest", "age"])
    silent: list[str] = []
    for signal in profile.signals:
        newest = standing.newest[signal.id]
        if newest is None:
            silent.append(signal.id)
        else:
            quality = Quality(newest.quality).word
            rows.add_row(signal.id, _value(newest), signal.unit, quality, age(newest.time_ns, now_ns))
    lines += ["", rows]
    if silent:
        lines += ["", f"no samples yet of {', '.join(silent)}"]
    return [*lines, "", ledger_line(standing), f"Store    {outlook_line(profile, standing.outlook, now_ns)}"]


def ledger_line(standing: Standing) -> Text:
    """Return the ledger of all sources in one line."""
    names = ("stored", "waiting", "rejected", "dropped")
    parts = " + ".join(f"{count(_sum(standing, name))} {name}" for name in names)
    return Text(f"Samples  {count(_sum(standing, 'received'))} received = {parts}")


def status_document(standing: Standing) -> dict[str, Any]:
    """Return the same for programs."""
    zone, block = standing.profile.zone, standing.block
    planned = None
    if block is not None:
        planned = {"category": block.category.value, "until": format_time(block.end_ns, zone)}
    return {
        "facility": standing.profile.id,
        "simulated": standing.profile.simulated,
        "time": format_time(standing.now_ns, zone),
        "running_pid": None if standing.pid is None else int(standing.pid),
        "store": standing.store,
        "planned": planned,
        "links": {source: _document(word, zone) for source, word in standing.links.items()},
        "signals": {signal: _document(newest, zone) for signal, newest in standing.newest.items()},
        "ledger": {n: _sum(standing, n) for n in ("received", "stored", "waiting", "rejected", "dropped")},
        "outlook": outlook_document(standing.profile, standing.outlook, standing.now_ns),
    }


def _planned(standing: Standing) -> str:
    block = standing.block
    if block is None:
        return "nothing"
    return f"{block.category.value} until {local(block.end_ns, standing.profile.zone, offset=True)}"


def _link(word: LastValue | None, now_ns: int) -> str:
    if word is None:
        return "never heard of"
    stale = ", so no longer known" if word.state == "up" and now_ns - word.time_ns > LINK_HOLD_NS else ""
    return f"{word.state}, said {age(word.time_ns, now_ns)} ago{stale}"


def _value(newest: LastValue) -> str:
    return newest.state if newest.state is not None else f"{newest.value:.3f}"


def _document(newest: LastValue | None, zone: Any) -> dict[str, Any] | None:
    if newest is None:
        return None
    value = newest.state if newest.state is not None else None if math.isnan(newest.value) else newest.value
    quality = Quality(newest.quality).word
    return {"time": format_time(newest.time_ns, zone), "value": value, "quality": quality}


def _sum(standing: Standing, name: str) -> int:
    return sum(getattr(t, name) for t in standing.totals)
