"""``kado status``."""

from rich.console import RenderableType
from rich.text import Text

from facility.errors import ProblemFoundError
from facility.quality import Quality
from facility.signals import LINK_HOLD_NS
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.cli.store_status import outlook_line, service_line
from kado.config import load_configuration
from kado.language import term, tr
from kado.language.terms import LEDGER
from kado.output import age, facts, local, print_json, show, table, title
from kado.queries.drafts import Draft
from kado.queries.status import Standing, load_standing, status_document, total_of
from kado.rounding import count
from storage.store import LastValue


def status(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Show links, newest samples, schedule and ledger.

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
    service = service_line(standing.pid)
    head: list[tuple[str, RenderableType]] = [
        ("Time", local(now_ns, zone, offset=True)),
        ("Service", tr("{service}; {store} store", service=service, store=standing.store)),
        ("Planned", _planned(standing)),
    ]
    head += [("Link", f"{source} {_link(word, now_ns)}") for source, word in standing.links.items()]
    rows = table(order=["signal", "newest", "unit", "quality", "age"], right=["newest", "age"])
    silent: list[str] = []
    for signal in profile.signals:
        newest = standing.newest[signal.id]
        if newest is None:
            silent.append(signal.id)
        else:
            quality = term(Quality(newest.quality).word)
            rows.add_row(signal.id, _value(newest), signal.unit, quality, age(newest.time_ns, now_ns))
    lines: list[RenderableType] = [title(profile, tr("status")), facts(head), "", rows]
    if silent:
        lines += ["", tr("no samples yet: {signals}", signals=", ".join(silent))]
    store = outlook_line(profile, standing.outlook, now_ns)
    last: list[tuple[str, RenderableType]] = [("Samples", ledger_line(standing)), ("Store", store)]
    if standing.draft is not None:
        last.append(("Draft", _draft(standing.draft)))
    if standing.page is not None:
        address, problem = standing.page.address, standing.page.problem
        last.append(("Page", address or tr("not served: {problem}", problem=problem)))
    return [*lines, "", facts([*last, *(("LOST", problem) for problem in standing.problems)])]


def ledger_line(standing: Standing) -> Text:
    """Return the ledger of all sources in one line."""
    # Lost is 0 but for a broken disk, and then listed below.
    shown = [name for name in LEDGER if name != "lost" or total_of(standing, name)]
    received, *parts = (f"{count(total_of(standing, name))} {term(name)}" for name in shown)
    return Text(f"{received} = {' + '.join(parts)}")


def _draft(draft: Draft) -> str:
    text = tr(
        "{period}: {file}; corrections can enter until {until}",
        period=draft.period,
        file=draft.path,
        until=draft.open_until.isoformat(),
    )
    return text + ("" if draft.handed_over else tr(", not handed over yet"))


def _planned(standing: Standing) -> str:
    block = standing.block
    if block is None:
        return tr("nothing")
    end = local(block.end_ns, standing.profile.zone, offset=True)
    return tr("{category} until {time}", category=term(block.category.value), time=end)


def _link(word: LastValue | None, now_ns: int) -> str:
    if word is None:
        return tr("no state recorded")
    stale = tr(", too old to be trusted") if word.state == "up" and now_ns - word.time_ns > LINK_HOLD_NS else ""
    return tr("{state}, reported {age} ago", state=term(word.state or ""), age=age(word.time_ns, now_ns)) + stale


def _value(newest: LastValue) -> str:
    return newest.state if newest.state is not None else f"{newest.value:.3f}"
