"""One ``VEVENT``, checked: its time as it is written, nothing computed yet."""

from dataclasses import dataclass

from facility.errors import ScheduleError
from facility.ics.lines import Component, Property
from facility.ics.moments import Kind, Length, Moment, parse_length, parse_moment
from facility.ics.rule import Rule, parse_rule
from facility.ics.zones import Zones
from facility.sentence import Sentence

_ONCE = ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID", "UID", "SUMMARY", "STATUS", "SEQUENCE", "X-KADO-RUN")
_MAX_DATES = 10_000


@dataclass(frozen=True, slots=True)
class Period:
    """One occurrence with a time of its own (``RDATE;VALUE=PERIOD``)."""

    start: Moment
    end: Moment | Length


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a calendar."""

    name: str
    """For messages: summary and line."""
    uid: str | None
    summary: str
    categories: tuple[str, ...]
    run: str | None
    cancelled: bool
    start: Moment
    end: Moment | Length
    rule: Rule | None
    until: Moment | None
    further: tuple[Moment | Period, ...]
    """``RDATE``."""
    without: tuple[Moment, ...]
    """``EXDATE``."""
    replaces: Moment | None
    """``RECURRENCE-ID``."""


def event_name(component: Component) -> str:
    """Name an event in messages, whatever is wrong with it."""
    summary = next((p.text.strip() for p in component.all("SUMMARY")), "")
    return f"event {summary[:60]!r} (line {component.line})"


def read_event(component: Component, zones: Zones, own_name: str) -> Event:
    """Read an event; `own_name` is the facility's zone.

    Raises
    ------
    ScheduleError
        If it is not clear when it is.
    """
    one = {name: component.one(name) for name in _ONCE}

    def moment(prop: Property) -> Moment:
        return parse_moment(prop.value, prop, zones, own_name)

    if one["DTSTART"] is None:
        raise ScheduleError(Sentence("it has no start (DTSTART)"))
    if component.all("EXRULE"):
        raise ScheduleError(Sentence("it has an EXRULE, which iCalendar no longer has: list the days in EXDATE"))
    start = moment(one["DTSTART"])
    replaces = None if one["RECURRENCE-ID"] is None else moment(one["RECURRENCE-ID"])
    if one["RECURRENCE-ID"] is not None and "RANGE" in one["RECURRENCE-ID"].params:
        raise ScheduleError(
            Sentence("its RECURRENCE-ID has a RANGE: write the change as a new event, and end the old one")
        )
    if replaces is not None and (one["RRULE"] is not None or component.all("RDATE")):
        raise ScheduleError(Sentence("it replaces one occurrence (RECURRENCE-ID) and repeats as well: remove one"))
    rule, until = _rule(one["RRULE"], start, zones, own_name)
    further = [_further(word, prop, zones, own_name) for prop, word in _listed(component, "RDATE")]
    without = [parse_moment(word, prop, zones, own_name) for prop, word in _listed(component, "EXDATE")]
    for other in (*(f.start if isinstance(f, Period) else f for f in further), *without):
        _check_alike(start, other, "RDATE or EXDATE")
    categories = [word.strip() for prop in component.all("CATEGORIES") for word in prop.texts]
    return Event(
        name=event_name(component),
        uid=_text(one["UID"]) or None,
        summary=_text(one["SUMMARY"]),
        categories=tuple(word for word in categories if word),
        run=_text(one["X-KADO-RUN"]) or None,
        cancelled=_text(one["STATUS"]).upper() == "CANCELLED",
        start=start,
        end=_end(start, one["DTEND"], one["DURATION"], zones, own_name),
        rule=rule,
        until=until,
        further=tuple(further),
        without=tuple(without),
        replaces=replaces,
    )


def _text(prop: Property | None) -> str:
    return "" if prop is None else prop.text.strip()


def _listed(component: Component, name: str) -> list[tuple[Property, str]]:
    found = [(prop, word) for prop in component.all(name) for word in prop.value.split(",")]
    if len(found) > _MAX_DATES:
        raise ScheduleError(
            Sentence(
                "it has {count:,} times in {name}, more than the {max_dates:,} that are read",
                count=len(found),
                name=name,
                max_dates=_MAX_DATES,
            )
        )
    return found


def _end(start: Moment, end: Property | None, length: Property | None, zones: Zones, own_name: str) -> Moment | Length:
    if end is not None and length is not None:
        raise ScheduleError(Sentence("it has both DTEND and DURATION: remove one"))
    if end is not None:
        last = parse_moment(end.value, end, zones, own_name)
        _check_alike(start, last, "end")
        return last
    if length is not None:
        read = parse_length(length.value)
        _check_length(start, read)
        return read
    if start.kind is Kind.DATE:
        return Length(1, 0)
    raise ScheduleError(Sentence("it has no end (DTEND or DURATION)"))


def _check_length(start: Moment, length: Length) -> None:
    if start.kind is Kind.DATE and length.exact_ns:
        raise ScheduleError(
            Sentence("it starts on a date and lasts hours: give it a start with a time, or a length in days")
        )
    if not length.days and not length.exact_ns:
        raise ScheduleError(Sentence("it does not end after its start: its DURATION is 0"))


def _check_alike(start: Moment, other: Moment, what: str) -> None:
    floating = {start.kind, other.kind} & {Kind.DATE, Kind.FLOATING}
    if floating and start.kind is not other.kind:
        raise ScheduleError(
            Sentence(
                "its start is {kind}, its {what} {other_kind}: write both alike",
                kind=start.kind.words,
                what=what,
                other_kind=other.kind.words,
            )
        )


def _rule(prop: Property | None, start: Moment, zones: Zones, own_name: str) -> tuple[Rule | None, Moment | None]:
    if prop is None:
        return None, None
    rule = parse_rule(prop.value, whole_days=start.kind is Kind.DATE)
    if rule.until is None:
        return rule, None
    until = parse_moment(rule.until, Property("UNTIL", {}, rule.until, prop.line), zones, own_name)
    wanted = Kind.UTC if start.kind is Kind.ZONED else start.kind
    if until.kind is not wanted:
        raise ScheduleError(
            Sentence(
                "its rule ends (UNTIL) at {kind}, its start is {other_kind}: the two cannot be compared; "
                "write UNTIL as {wanted}",
                kind=until.kind.words,
                other_kind=start.kind.words,
                wanted=wanted.words,
            )
        )
    return rule, until


def _further(word: str, prop: Property, zones: Zones, own_name: str) -> Moment | Period:
    if prop.params.get("VALUE", "").upper() != "PERIOD":
        return parse_moment(word, prop, zones, own_name)
    first, slash, last = word.partition("/")
    if not slash:
        raise ScheduleError(Sentence("its RDATE {word!r} is not a period START/END", word=word[:60]))
    start = parse_moment(first, prop, zones, own_name)
    if "P" in last.upper():
        length = parse_length(last)
        _check_length(start, length)
        return Period(start, length)
    end = parse_moment(last, prop, zones, own_name)
    _check_alike(start, end, "end")
    return Period(start, end)
