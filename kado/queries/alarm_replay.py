"""What the alarms would have been: rules on the recorded history, beside what the journal says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analytics.alarms.history import History, replay
from analytics.alarms.limits import limit_pieces, reduced_of
from facility.alarms import Action, AlarmRules, Transition, leaves
from facility.batch import Samples
from facility.errors import AlarmRuleError, PeriodError
from facility.schedule import resolve
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, format_second
from kado.config import Configuration
from kado.journal import open_alarm_journal
from kado.queries.alarm_rules import load_alarm_rules, series_table
from kado.queries.alarms import AlarmHistory, load_history, transition_document
from kado.queries.period_pieces import Progress
from kado.queries.record import load_record
from kado.stores import open_store
from storage.store import TelemetryStore

LONGEST_REPLAY_DAYS: Final = 3_653
"""Ten years: a longer stretch is a mistyped year."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of a replay beside those of the journal."""

    replayed: AlarmHistory
    only_in_replay: tuple[Transition, ...]
    only_in_journal: tuple[Transition, ...]


def load_replay(
    configuration: Configuration,
    start_ns: int,
    end_ns: int,
    *,
    rules_file: Path | None = None,
    alarm: str | None = None,
    with_actions: bool = False,
    progress: Progress | None = None,
) -> AlarmHistory:
    """Return the rows that the rules give on ``[start_ns, end_ns)``.

    Parameters
    ----------
    progress
        Called as samples are read; what it raises ends the work.

    Raises
    ------
    AlarmRuleError
        If a rule is wrong, or there is no such alarm.
    PeriodError
        If the stretch does not end after its start, or is longer than `LONGEST_REPLAY_DAYS`.
    UnreachableError
        If the store does not answer.
    """
    zone = configuration.profile.zone
    if end_ns <= start_ns:
        raise PeriodError(
            Sentence(
                "--to {end} is not after --from {start}",
                end=format_second(end_ns, zone),
                start=format_second(start_ns, zone),
            )
        )
    check_length(configuration, start_ns, end_ns)
    table = series_table(configuration)
    rules = load_alarm_rules(configuration, table) if rules_file is None else AlarmRules.load([rules_file], table)
    if alarm is not None and alarm not in rules.by_id:
        raise AlarmRuleError(
            Sentence("no alarm {alarm!r}: there are {known}", alarm=alarm, known=", ".join(rules.by_id))
        )
    with open_alarm_journal(configuration) as journal:
        actions = [a for a in journal.actions() if start_ns <= a.recorded_at_ns < end_ns] if with_actions else []
        watches = journal.watches(start_ns, end_ns)
    found = replay_rows(configuration, rules, start_ns, end_ns, actions, progress=progress)
    unknown = sorted({leaf.series for rule in rules.rules for leaf in leaves(rule.when) if leaf.signal is None})
    rows = tuple(t for t in found if alarm in (None, t.alarm))
    holes = tuple((max(w.from_ns, start_ns), min(w.to_ns, end_ns)) for w in watches if w.kind == "hole")
    return AlarmHistory(configuration, start_ns, end_ns, rows, holes, replayed=True, unknown=tuple(unknown))


def check_length(configuration: Configuration, start_ns: int, end_ns: int) -> None:
    """Refuse a stretch that is longer than is replayed, with a `PeriodError`."""
    if end_ns - start_ns > LONGEST_REPLAY_DAYS * NS_PER_DAY:
        zone = configuration.profile.zone
        raise PeriodError(
            Sentence(
                "{start} to {end} is longer than {days:,} days, the most that is replayed: check the year, or replay it"
                " in parts",
                start=format_second(start_ns, zone),
                end=format_second(end_ns, zone),
                days=LONGEST_REPLAY_DAYS,
            )
        )


def replay_rows(
    configuration: Configuration,
    rules: AlarmRules,
    start_ns: int,
    end_ns: int,
    actions: Sequence[Action] = (),
    *,
    progress: Progress | None = None,
) -> list[Transition]:
    """Return the rows that a set of rules gives on the recorded history of ``[start_ns, end_ns)``."""
    record = load_record(configuration)
    plan = resolve(record.versions)
    limits = limit_pieces(configuration.profile, plan, start_ns, end_ns, reduced_of(record.corrections))
    with open_store(configuration) as store:
        history = history_of(store)
        if progress is not None:
            history = _followed(history, {leaf.series for rule in rules.rules for leaf in leaves(rule.when)}, progress)
        return list(replay(rules, history, plan, limits, actions, start_ns, end_ns))


def compare_with_journal(replayed: AlarmHistory, alarm: str | None) -> Comparison:
    """Put the journaled rows of a replay beside the journal."""
    recorded = load_history(replayed.configuration, replayed.start_ns, replayed.end_ns, alarm).rows
    mine = {_key(t): t for t in replayed.rows if t.journaled}
    its = {_key(t): t for t in recorded}
    return Comparison(
        replayed,
        tuple(t for key, t in mine.items() if key not in its),
        tuple(t for key, t in its.items() if key not in mine),
    )


def comparison_document(found: Comparison) -> dict[str, Any]:
    """Return what differs, for programs."""
    zone = found.replayed.configuration.profile.zone
    return {
        "only_in_replay": [transition_document(t, zone) for t in found.only_in_replay],
        "only_in_journal": [transition_document(t, zone) for t in found.only_in_journal],
    }


def history_of(store: TelemetryStore) -> History:
    """Return a store's samples as replay reads them: the one held at the start, then chunk by chunk."""

    def history(series: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        if series.startswith(("fact:", "figure:")):
            return
        held = store.read(series, start_ns, start_ns, hold=True)
        if len(held):
            yield held
        yield from store.read_chunks(series, start_ns, end_ns)

    return history


def _followed(history: History, series: set[str], progress: Progress) -> History:
    """Tell `progress` how far the series were read, each for the first time."""
    reached: dict[str, int] = {}

    def followed(name: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        length = end_ns - start_ns

        def tell(until_ns: int) -> None:
            reached[name] = max(reached.get(name, 0), min(until_ns, end_ns) - start_ns)
            progress(sum(ns for which, ns in reached.items() if which in series), len(series) * length)

        tell(start_ns)
        for samples in history(name, start_ns, end_ns):
            yield samples
            if len(samples):
                tell(max(int(samples.time_ns[-1]), start_ns))
        tell(end_ns)

    return followed


def _key(row: Transition) -> tuple[int, str, str, str, str]:
    return row.time_ns, row.alarm, row.from_state.value, row.to_state.value, row.cause.value
