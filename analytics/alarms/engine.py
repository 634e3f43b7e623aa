"""The engine: a value that holds everything of all alarms, and the functions that carry it on in time.

The engine has a position: all before it is decided. `advance` decides up to another instant. Cutting the same time
into other pieces changes nothing.
"""

from dataclasses import replace

from analytics.alarms.feed import Feed, Outcome
from analytics.alarms.holdings import Holdings, samples_of
from analytics.alarms.machine import Machine
from analytics.alarms.phases import Record, hold_still, next_due
from analytics.alarms.program import compiled
from analytics.alarms.state import Engine
from facility.alarms import AlarmRules
from facility.time import MAX_NS


def begin(rules: AlarmRules, at_ns: int) -> Engine:
    """Return an engine that has decided nothing yet: every alarm is unknown."""
    program = compiled(rules)
    return Engine(
        rules=rules,
        position_ns=at_ns,
        start_ns=at_ns,
        holdings=Holdings.empty(len(program.series)),
        memory=[False] * len(program.leaves),
        verdicts=[None] * len(program.leaves),
        records=[Record() for _ in program.rules],
        alarm_due=[MAX_NS] * len(program.rules),
    )


def advance(engine: Engine, feed: Feed, until_ns: int) -> tuple[Engine, Outcome]:
    """Decide ``[position, until_ns)``.

    Parameters
    ----------
    feed
        What came in since the last call, with the plan and the limits as they are known now. Samples and actions
        stamped before the position take effect at it; those at or after `until_ns` wait.
    until_ns
        Before the position nothing is decided, and that is counted: what came in waits.

    Returns
    -------
    The engine at `until_ns`, and what was decided.
    """
    if until_ns <= engine.position_ns:
        return _queue(engine, feed), Outcome(clock_back=int(until_ns < engine.position_ns))
    return Machine(engine, feed, until_ns).run()


def resume(engine: Engine, feed: Feed, at_ns: int) -> tuple[Engine, Outcome]:
    """Go on at `at_ns` after a time without the engine: ``[position, at_ns)`` is a hole, in which nothing is decided.

    Where `at_ns` lies before the position (the clock was put back) the hole has no length, and stamps beyond `at_ns`
    become it. What came in takes effect with the next `advance`.
    """
    program = engine.program
    until = max(at_ns, engine.position_ns)
    records: list[Record] = []
    for rule, old in zip(program.rules, engine.records, strict=True):
        record = old.copy()
        hold_still(record, rule, engine.position_ns, until)
        records.append(record)
    holdings = engine.holdings.copy()
    if at_ns < engine.position_ns:
        holdings.set_back(at_ns)
        for record in records:
            _set_back(record, at_ns)
    due = [next_due(record, rule) for record, rule in zip(records, program.rules, strict=True)]
    resumed = replace(
        engine, alarm_due=due, position_ns=at_ns, start_ns=at_ns, records=records, holdings=holdings, fresh=True
    )
    return _queue(resumed, feed), Outcome()


def _queue(engine: Engine, feed: Feed) -> Engine:
    table = engine.program if feed.rules is None else compiled(feed.rules)
    return replace(
        engine,
        waiting=(*engine.waiting, *samples_of(feed.batches, feed.facts, table)),
        actions=(*engine.actions, *feed.actions),
        reload=engine.reload if feed.rules is None else feed.rules,
    )


def _set_back(record: Record, now_ns: int) -> None:
    def bounded(stamp: int | None) -> int | None:
        return None if stamp is None else min(stamp, now_ns)

    record.since_ns = bounded(record.since_ns)
    record.running_ns = bounded(record.running_ns)
    record.hole_ns = bounded(record.hole_ns)
    record.acked_ns = bounded(record.acked_ns)
    record.out_since_ns = bounded(record.out_since_ns)
    record.shown_since_ns = bounded(record.shown_since_ns)
    record.raises = tuple(min(t, now_ns) for t in record.raises)
