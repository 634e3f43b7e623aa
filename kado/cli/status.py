"""``kado status``."""

from rich.console import RenderableType
from rich.text import Text

from facility.errors import ProblemFoundError
from facility.quality import Quality
from facility.signals import LINK_HOLD_NS
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.cli.store_status import outlook_line
from kado.config import load_configuration
from kado.output import age, local, print_json, show, table, title
from kado.queries.status import Standing, load_standing, status_document, total_of
from kado.rounding import count
from storage.store import LastValue


def status(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Show links, newest samples, plan and ledger as they are now.

    \b
    Examples:
      kado status
      kado status --format json
    """
    standing = load_standing(load_configuration(config), system_clock())
    if output is Format.JSON:
        print_json(status_document(standing))
    else:
        show(*status_report(standing))
    if standing.problems:
        raise ProblemFoundError(f"the ledger shows {len(standing.problems)} problems: see kado ledger")


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
    lines += ["", ledger_line(standing), f"Store    {outlook_line(profile, standing.outlook, now_ns)}"]
    return [*lines, *(f"LOST     {problem}" for problem in standing.problems)]


def ledger_line(standing: Standing) -> Text:
    """Return the ledger of all sources in one line."""
    names = ("stored", "waiting", "rejected", "dropped", "lost")
    parts = " + ".join(f"{count(total_of(standing, name))} {name}" for name in names)
    return Text(f"Samples  {count(total_of(standing, 'received'))} received = {parts}")


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
