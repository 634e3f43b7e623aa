"""How the documents of record, calendar and shift are made for the API."""

from typing import Any

from kado.page.api.endpoint import Options
from kado.page.context import PageContext
from kado.queries.awaiting_review import awaiting_document, load_awaiting_review
from kado.queries.calendar import calendar_document, load_calendar
from kado.queries.shift import find_shift, handovers_document, load_handovers, shift_document


async def awaiting(context: PageContext, options: Options) -> Any:
    """Return events, unknown time and exclusions of a period that await review."""
    period = options.required("period")

    def work() -> Any:
        return awaiting_document(load_awaiting_review(context.configuration, period, clock=context.clock))

    return await context.reader.answer(("awaiting document", period), work, fresh_s=30.0)


async def calendar(context: PageContext, options: Options) -> Any:
    """Return a month or a fiscal year as days."""
    period, definition = options.required("period"), options.text("definition")

    def work() -> Any:
        return calendar_document(load_calendar(context.configuration, period, definition, clock=context.clock))

    return await context.reader.answer(("calendar document", period, definition), work, fresh_s=60.0)


async def shift(context: PageContext, options: Options) -> Any:
    """Return a shift as it is known now, or as it was signed."""
    found = find_shift(context.configuration, options.text("at"), clock=context.clock)

    def work() -> Any:
        return shift_document(context.configuration, found, clock=context.clock)

    return await context.reader.answer(("shift", found.start_ns), work, fresh_s=20.0)


async def handovers(context: PageContext, options: Options) -> Any:
    """Return the shifts that were handed over."""
    search = options.text("search") or ""

    def work() -> Any:
        return handovers_document(context.profile, load_handovers(context.configuration, search))

    return await context.reader.write(work)
