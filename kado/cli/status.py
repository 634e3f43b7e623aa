"""``kado status``."""

from collections import Counter
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from facility.errors import ProblemFoundError
from facility.quality import Quality
from facility.signals import LINK_HOLD_NS, Signal
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.cli.store_status import outlook_line, service_line
from kado.config import load_configuration
from kado.language import marked, term, tr, trn, words
from kado.language.assertions import correction_words
from kado.language.terms import LEDGER
from kado.output import age, facts, local, print_json, show, stretch, table, title
from kado.queries.beam import LOOK_NS, BeamState
from kado.queries.drafts import Draft
from kado.queries.secret_files import open_secret_words
from kado.queries.status import Standing, load_standing, status_document, total_of
from kado.queries.warning_words import limit_words
from kado.rounding import count, duration
from storage.store import LastValue


def status(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Show links, newest samples, schedule and ledger.

    Says what the beam is by the rules of the facility's definition. While InfluxDB is away or does not answer, it
    says so, and shows what waits to be forwarded.

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
        raise ProblemFoundError(
            trn(
                "{n} problem was found: see LOST above",
                "{n} problems were found: see LOST above",
                len(standing.problems),
            )
        )


def status_report(standing: Standing) -> list[RenderableType]:
    """Return service, beam, links, plan, ledger and newest samples: at most some 30 lines for any number of ports."""
    profile, now_ns = standing.profile, standing.now_ns
    zone = profile.zone
    service = service_line(standing.pid)
    head: list[tuple[str, RenderableType]] = [
        ("Time", local(now_ns, zone, offset=True)),
        ("Service", tr("{service}; {store} store", service=service, store=standing.store)),
        ("Beam", beam_line(standing)),
    ]
    if (event := event_line(standing)) is not None:
        head.append((marked("Event"), event))
    head.append(("Planned", _planned(standing)))
    head += [("Link", f"{source} {_link(word, now_ns)}") for source, word in standing.links.items()]
    last: list[tuple[str, RenderableType]] = [
        ("Samples", ledger_line(standing)),
        ("Store", outlook_line(profile, standing.outlook, now_ns)),
    ]
    if standing.draft is not None:
        last.append(("Draft", _draft(standing.draft)))
    if standing.page is not None:
        address, problem = standing.page.address, standing.page.problem
        last.append(("Page", address or tr("not served: {problem}", problem=problem)))
    last += [(marked("Warning"), Text(text, style="yellow")) for text in _warnings(standing)]
    last += [("LOST", problem) for problem in standing.problems]
    rows, silent = newest_samples(standing)
    lines: list[RenderableType] = [title(profile, tr("status")), facts(head), "", rows]
    if silent:
        lines += ["", tr("no samples yet: {signals}", signals=", ".join(silent))]
    return [*lines, *_corrections(standing), "", facts(last)]


_BEAM_STYLES: Final = {
    BeamState.UP: "bold green",
    BeamState.LOW: "bold yellow",
    BeamState.NONE: "bold red",
    BeamState.UNKNOWN: "bold magenta",
}


def beam_line(standing: Standing) -> Text:
    """Return what the beam is, and since when."""
    verdict, zone = standing.found.verdict, standing.profile.zone
    if verdict is None:
        return Text(tr("no samples of {signal}", signal=standing.profile.delivery_signal))
    text = Text(words(verdict.state.words), style=_BEAM_STYLES[verdict.state])
    if verdict.since_ns is None:
        since = tr("for more than {length}", length=duration(LOOK_NS))
    else:
        length = age(verdict.since_ns, standing.now_ns)
        since = tr("since {time} ({age})", time=local(verdict.since_ns, zone), age=length)
    if verdict.after_unknown:
        since = tr("{since}, unknown before", since=since)
    text.append(f" {since}", style="not bold default")
    if standing.found.problem:
        text.append(tr("; from the samples that wait here"), style="not bold default")
    return text


def event_line(standing: Standing) -> str | None:
    """Return the event that is running, with its id and the user time that it has cost so far."""
    verdict = standing.found.verdict
    if verdict is None or verdict.event is None:
        return None
    e = verdict.event
    return tr(
        "{kind} since {start}, {lost} of user time so far; {id}",
        kind=term(e.kind.value),
        start=local(e.start_ns, standing.profile.zone),
        lost=duration(e.user_time.total),
        id=e.id(standing.profile.id),
    )


SHOWN_ONE_BY_ONE: Final = 6
"""So many state signals with the same words have a line each; of more, such as shutters, the words are counted."""


def newest_samples(standing: Standing) -> tuple[Table, list[str]]:
    """Return a row for each signal that has a sample, many alike in one row; and the signals without any."""
    now_ns = standing.now_ns
    rows = table(order=["signal", "newest", "unit", "quality", "age"], right=["newest", "age"])
    alike: dict[tuple[str, ...], list[Signal]] = {}
    for signal in standing.profile.signals:
        if signal.type == "state":
            alike.setdefault(signal.words, []).append(signal)
    silent: list[str] = []
    for signal in standing.profile.signals:
        group = alike.get(signal.words, []) if signal.type == "state" else []
        newest = standing.newest[signal.id]
        if len(group) > SHOWN_ONE_BY_ONE:
            if signal is group[0]:
                _add_group(rows, standing, group, silent)
        elif newest is None:
            silent.append(signal.id)
        else:
            quality = term(Quality(newest.quality).word)
            rows.add_row(signal.id, _value(newest), signal.unit, quality, age(newest.time_ns, now_ns))
    return rows, silent


def _add_group(rows: Table, standing: Standing, group: list[Signal], silent: list[str]) -> None:
    """Add one row for many signals of the same words: how many are in each state, and the oldest sample."""
    found = [newest for signal in group if (newest := standing.newest[signal.id]) is not None]
    without = len(group) - len(found)
    name = tr("{first} to {last}", first=group[0].id, last=group[-1].id)
    if not found:
        silent.append(name)
        return
    states = Counter(newest.state or "" for newest in found if newest.quality != Quality.BAD)
    doubtful = sum(newest.quality == Quality.BAD for newest in found)
    parts = [f"{n} {word}" for word, n in states.most_common()]
    parts += [tr("{n} bad", n=doubtful)] if doubtful else []
    parts += [tr("{n} without samples", n=without)] if without else []
    oldest = min(newest.time_ns for newest in found)
    rows.add_row(name, ", ".join(parts), "", "", age(oldest, standing.now_ns))


def _warnings(standing: Standing) -> list[str]:
    found = [limit_words(warning) for warning in standing.found.warnings]
    if standing.found.problem:
        found.insert(0, tr("the store was not queried: {problem}", problem=standing.found.problem))
    if standing.changed:
        found.append(
            tr(
                "the running service was started with another configuration: {parts} changed since; restart it",
                parts=", ".join(standing.changed),
            )
        )
    found += [f"{source}: {text}" for source, texts in standing.notices.items() for text in texts]
    found += [open_secret_words(path) for path in standing.open_secrets]
    return found


def _corrections(standing: Standing) -> list[RenderableType]:
    """Return the corrections in force in the running month."""
    if not standing.corrections:
        return []
    zone = standing.profile.zone
    lines = [Text(f"  {correction_words(c)}  {stretch(c.start_ns, c.end_ns, zone)}") for c in standing.corrections]
    return ["", tr("Corrections in force this month"), *lines]


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
    return newest.state if newest.state is not None else f"{newest.value:z.3f}"
