"""How the documents of the API are made: each by the query that its command asks."""

from collections.abc import Callable, Hashable
from typing import Any, Final

from collector.ledger import read_ledger
from facility.definition import load_definition, own_definitions, shipped_definitions
from facility.errors import UsageError
from facility.incidents import Sharing
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, parse_time
from kado.page.access.gate import LONGEST_PERIOD_DAYS
from kado.page.api.endpoint import Options
from kado.page.context import PageContext
from kado.queries.alarm_report import alarm_report_document, load_alarm_report
from kado.queries.alarms import alarms_document, history_document, load_alarms, load_history
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.availability_document import availability_document
from kado.queries.beamlines import beamlines_document, load_beamlines
from kado.queries.comparison import comparison_document, load_comparison
from kado.queries.corrections import corrections_document, load_corrections
from kado.queries.dead_letters import letters_document
from kado.queries.definitions import definition_document
from kado.queries.downtime_budget import with_budget
from kado.queries.events import events_document
from kado.queries.explanation import (
    explanation_document,
    gaps_document,
    instant_document,
    load_explanation,
    load_gaps,
    load_instant,
)
from kado.queries.identity import identity
from kado.queries.incidents import incidents_document, load_incidents, pareto_document
from kado.queries.ledger import ledger_document
from kado.queries.lost_time import lost_time_document
from kado.queries.record import AsOf, load_plan, published_by
from kado.queries.reliability import load_reliability, reliability_document
from kado.queries.samples import MOST_BUCKETS, buckets_document, load_buckets, load_stretches, stretches_document
from kado.queries.schedule import calendar_document
from kado.queries.side_by_side import Each, documents, load_side_by_side
from kado.queries.status import load_standing, status_document
from kado.queries.target import load_time_to_target, target_document
from storage.telemetry_db.dead_letters import Chosen, read_dead_letters

MOST_ALARM_ROWS: Final = 20_000
"""Rows of alarms in one answer: some seven megabytes."""
MOST_ROWS_COUNTED: Final = 100_000
"""Rows of alarms that the figures of the alarms are counted from: two seconds, and some hundred megabytes."""
_OLD_FRESH_S: Final = 30.0
"""So long an answer for a period is given again without being computed again."""


async def ask(context: PageContext, key: Hashable, work: Callable[[], Any], fresh_s: float = 5.0) -> Any:
    """Return what `work` returns, computed once for all who ask the same."""
    return await context.reader.answer(key, work, fresh_s=fresh_s)


def as_of(context: PageContext, options: Options) -> str | AsOf | None:
    """Return the date that a figure is as known on, or as published on.

    Raises
    ------
    UsageError
        If both are given.
    """
    known, published = options.text("as_known_on"), options.text("as_published_on")
    if published is None:
        return known
    if known is not None:
        raise UsageError(Sentence("as_known_on and as_published_on exclude each other: give one of them"))
    return published_by(published, context.clock())


async def loaded(context: PageContext, options: Options) -> AvailabilityReport:
    """Return the availability of the period that is asked for; several views of it share one computation."""
    period, definition = options.required("period"), options.text("definition")
    known, published = options.text("as_known_on"), options.text("as_published_on")

    def work() -> AvailabilityReport:
        when = as_of(context, options)
        return load_availability(context.configuration, period, definition, when, clock=context.clock)

    return await ask(context, ("period", period, definition, known, published), work, _OLD_FRESH_S)


async def availability(context: PageContext, options: Options) -> Any:
    """Figures, accounts, counts, events."""
    found = await loaded(context, options)
    key = ("budget", *sorted(options.given.items()))
    return availability_document(
        await ask(context, key, lambda: with_budget(context.configuration, found, clock=context.clock), _OLD_FRESH_S)
    )


async def side_by_side(context: PageContext, options: Options) -> Any:
    """Figures of each day or month, or by each definition."""
    period, definition = options.required("period"), options.text("definition")
    each = options.text("each")
    if each is not None and each not in list(Each):
        raise UsageError(Sentence("each={each!r}: use {choices}", each=each[:40], choices=" or ".join(Each)))

    def work() -> Any:
        when, cut = as_of(context, options), None if each is None else Each(each)
        return documents(
            load_side_by_side(context.configuration, period, definition, when, each=cut, clock=context.clock),
            context.configuration,
        )

    return await ask(context, ("side by side", *sorted(options.given.items())), work, _OLD_FRESH_S)


async def events(context: PageContext, options: Options) -> Any:
    """Events of a period."""
    return events_document(await loaded(context, options))


async def lost_time(context: PageContext, options: Options) -> Any:
    """Where a period lost user time."""
    return lost_time_document(await loaded(context, options))


async def pareto(context: PageContext, options: Options) -> Any:
    """Downtime by system."""
    sharing = options.text("sharing") or Sharing.ROOT_CAUSE.value
    if sharing not in list(Sharing):
        raise UsageError(
            Sentence("sharing={sharing!r}: use {choices}", sharing=sharing[:40], choices=" or ".join(Sharing))
        )
    return pareto_document(await loaded(context, options), Sharing(sharing))


async def gaps(context: PageContext, options: Options) -> Any:
    """Unknown user time."""
    period, definition = options.required("period"), options.text("definition")

    def work() -> Any:
        when = as_of(context, options)
        return gaps_document(*load_gaps(context.configuration, period, definition, when, clock=context.clock))

    return await ask(context, ("gaps", *sorted(options.given.items())), work, _OLD_FRESH_S)


async def explain(context: PageContext, options: Options) -> Any:
    """Why time counts as it does: an instant, or each interval of a period."""
    period, at, definition = options.text("period"), options.text("at"), options.text("definition")
    if (period is None) == (at is None):
        raise UsageError(Sentence("say what to explain: ?period=P, or an instant with ?at=TIME"))

    def work() -> Any:
        when = as_of(context, options)
        if at is not None:
            return instant_document(load_instant(context.configuration, at, definition, when, clock=context.clock))
        return explanation_document(
            load_explanation(context.configuration, str(period), definition, when, clock=context.clock)
        )

    return await ask(context, ("explain", *sorted(options.given.items())), work, _OLD_FRESH_S)


async def reliability(context: PageContext, options: Options) -> Any:
    """MTBF with its interval, trend, repair times."""
    period, definition, compare = options.required("period"), options.text("definition"), options.text("compare")
    known = options.text("as_known_on")

    def work() -> Any:
        return reliability_document(
            load_reliability(
                context.configuration, period, definition, known, compare_with=compare, clock=context.clock
            )
        )

    return await ask(context, ("reliability", *sorted(options.given.items())), work, _OLD_FRESH_S)


async def target(context: PageContext, options: Options) -> Any:
    """Time to target."""

    def work() -> Any:
        when = as_of(context, options)
        return target_document(
            load_time_to_target(context.configuration, options.text("definition"), when, clock=context.clock)
        )

    return await ask(context, ("target", *sorted(options.given.items())), work, 300.0)


async def beamlines(context: PageContext, options: Options) -> Any:
    """Hours of each beamline."""
    period, definition = options.required("period"), options.text("definition")

    def work() -> Any:
        when = as_of(context, options)
        return beamlines_document(load_beamlines(context.configuration, period, definition, when, clock=context.clock))

    return await ask(context, ("beamlines", *sorted(options.given.items())), work, _OLD_FRESH_S)


async def definitions(context: PageContext, options: Options) -> Any:
    """Accounting definitions."""
    name, folder = options.text("name"), context.configuration.folder

    def work() -> Any:
        names = [name] if name is not None else sorted({*shipped_definitions(), *own_definitions(folder)})
        return [definition_document(load_definition(n, folder)) for n in names]

    return await ask(context, ("definitions", name), work)


async def comparison(context: PageContext, options: Options) -> Any:
    """Two definitions compared rule by rule."""
    period, one, other = (options.required(name) for name in ("period", "one", "other"))

    def work() -> Any:
        return comparison_document(
            load_comparison(context.configuration, period, one, other, as_of(context, options), clock=context.clock)
        )

    return await ask(context, ("comparison", *sorted(options.given.items())), work, _OLD_FRESH_S)


async def corrections(context: PageContext, options: Options) -> Any:
    """All corrections."""
    known = options.text("as_known_on")

    def work() -> Any:
        return corrections_document(context.profile, load_corrections(context.configuration, known))

    return await ask(context, ("corrections", known), work, 1.0)


async def incidents(context: PageContext, options: Options) -> Any:
    """All incidents."""
    known = options.text("as_known_on")

    def work() -> Any:
        return incidents_document(context.profile, load_incidents(context.configuration, known))

    return await ask(context, ("incidents", known), work, 1.0)


async def schedule(context: PageContext, options: Options) -> Any:
    """Return the operation calendar."""
    period = options.text("period")

    def work() -> Any:
        plan = load_plan(context.configuration, as_of(context, options))
        wanted = None if period is None else context.profile.period(period, plan)
        return calendar_document(context.profile, plan, wanted)

    return await ask(context, ("schedule", *sorted(options.given.items())), work)


async def status(context: PageContext, options: Options) -> Any:
    """Links, newest samples, ledger, store."""
    del options
    return await ask(
        context,
        ("status",),
        lambda: status_document(load_standing(context.configuration, context.clock())),
    )


async def ledger(context: PageContext, options: Options) -> Any:
    """Return the account of samples."""
    del options

    def work() -> Any:
        return ledger_document(context.profile, read_ledger(context.configuration.data_dir), None)

    return await ask(context, ("ledger",), work)


async def dead_letters(context: PageContext, options: Options) -> Any:
    """Messages that could not become samples."""
    limit = options.whole("limit", 50, most=1000)
    chosen = Chosen(options.text("source"), options.text("cause"))

    def work() -> Any:
        return letters_document(context.profile, *read_dead_letters(context.configuration.data_dir, limit, chosen))

    return await ask(context, ("dead letters", *sorted(options.given.items())), work)


async def alarms(context: PageContext, options: Options) -> Any:
    """How all alarms stand."""
    del options

    def work() -> Any:
        return alarms_document(load_alarms(context.configuration, context.clock()))

    return await ask(context, ("alarms",), work, 1.0)


async def alarm_history(context: PageContext, options: Options) -> Any:
    """Return what alarms did."""
    start, end, alarm = options.text("from"), options.text("to"), options.text("alarm")
    end_ns = None if end is None else parse_time(end)
    start_ns = None if start is None else parse_time(start)

    def work() -> Any:
        until_ns = context.clock() if end_ns is None else end_ns
        if start_ns is not None and until_ns - start_ns > LONGEST_PERIOD_DAYS * NS_PER_DAY:
            raise UsageError(
                Sentence(
                    "from {start} to {end} is longer than {longest_period_days:,} days, the most that "
                    "the page computes: ask for it in parts, or use the command, which has no limit",
                    start=start,
                    end=end or Sentence("now"),
                    longest_period_days=LONGEST_PERIOD_DAYS,
                )
            )
        return history_document(load_history(context.configuration, start_ns, until_ns, alarm, most=MOST_ALARM_ROWS))

    return await ask(context, ("alarm history", start, end, alarm), work)


async def alarm_report(context: PageContext, options: Options) -> Any:
    """How good the alarms themselves were."""
    period = options.required("period")

    def work() -> Any:
        return alarm_report_document(
            load_alarm_report(context.configuration, period, context.clock(), most=MOST_ROWS_COUNTED)
        )

    return await ask(context, ("alarm report", period), work, _OLD_FRESH_S)


async def buckets(context: PageContext, options: Options) -> Any:
    """Return a number signal cut into buckets."""
    signal, profile = options.required("signal"), context.profile
    span = (parse_time(options.required("start")), parse_time(options.required("end")))
    count = options.whole("count", 1000, most=MOST_BUCKETS)
    return buckets_document(await context.reader.ask(lambda store: load_buckets(store, profile, signal, span, count)))


async def states(context: PageContext, options: Options) -> Any:
    """Return a state signal as stretches of time."""
    signal, profile, now_ns = options.required("signal"), context.profile, context.clock()
    span = (parse_time(options.required("start")), parse_time(options.required("end")))
    return stretches_document(
        await context.reader.ask(lambda store: load_stretches(store, profile, signal, span, now_ns))
    )


async def signals(context: PageContext, options: Options) -> Any:
    """Return the facility's signals."""
    del options
    profile = context.profile
    return {
        **identity(profile),
        "signals": [
            {
                "id": s.id,
                "type": s.type,
                "unit": s.unit,
                "label": {"en": s.id, "ja": s.id} if s.label is None else {"en": s.label.en, "ja": s.label.ja},
                "delivery": s.id == profile.delivery_signal,
            }
            for s in profile.signals
        ],
    }
