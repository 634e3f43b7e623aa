"""The words and figures of the view Now, in the language of now: texts by the place where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from facility.time import parse_time
from kado.language import language, marked, term, tr, trn
from kado.language.terms import LEDGER
from kado.rounding import NONE, count, duration, hours, percent
from kado.service.newest import Newest

_DIGITS: Final = 2
_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000

PERIODS: Final = {"day": marked("Today"), "month": marked("This month"), "fiscal_year": marked("Fiscal year")}


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands where."""

    texts: dict[str, str] = field(default_factory=dict[str, str])
    """Text by slot."""
    states: dict[str, str] = field(default_factory=dict[str, str])
    """Code by slot: what is old, hidden, how full a bar is, which state the beam is in."""
    fragments: dict[str, str] = field(default_factory=dict[str, str])
    """HTML by slot; places for texts are empty in it, so that it changes only when its form does."""

    def since(self, before: "Shown") -> "Shown":
        """Return what is different from before."""
        return Shown(
            _changed(self.texts, before.texts),
            _changed(self.states, before.states),
            _changed(self.fragments, before.fragments),
        )

    def for_other_views(self) -> "Shown":
        """Return what the head of every view shows."""
        return Shown(
            {slot: text for slot, text in self.texts.items() if slot in ("clock", "date", "head.alarms")},
            {slot: state for slot, state in self.states.items() if slot in ("head.alarms", "stale")},
            {},
        )

    def data(self) -> dict[str, dict[str, str]]:
        """Return what is not empty, for a message."""
        parts = {"texts": self.texts, "states": self.states, "fragments": self.fragments}
        return {name: part for name, part in parts.items() if part}


def shown_now(document: Mapping[str, Any]) -> Shown:
    """Return the texts and states of a document; the fragments are templates' work."""
    shown = Shown()
    texts, states = shown.texts, shown.states
    now = document["time"]
    texts["clock"], texts["date"] = now[11:19], weekday_date(now)
    _delivery(document["delivery"], shown)
    _beam(document, shown)
    _plan(document["plan"], shown)
    for signal in document["signals"]:
        texts[f"signal.{signal['id']}"] = number(signal["value"])
        texts[f"age.{signal['id']}"] = age(signal["age_s"])
        states[f"old.{signal['id']}"] = _old(signal["stale"])
    if (mode := document["mode"]) is not None:
        texts["mode"] = term(mode["value"]) if mode["value"] else NONE
        states["mode"] = "unknown" if mode["stale"] else "low" if mode["agrees"] is False else "fine"
    for source in document["sources"]:
        texts[f"source.{source['id']}"] = age(source["age_s"])
    texts["ledger"] = ledger(document["ledger"])
    alarms = document["alarms"]
    waiting = 0 if alarms is None else alarms["unacknowledged"]
    texts["head.alarms"] = trn("{n} alarm", "{n} alarms", waiting)
    states["head.alarms"] = "shown" if waiting else "hidden"
    return shown


def shown_values(changed: Mapping[str, Newest], document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the new values in the form of the page; None if it shows none of them. Numbers look alike everywhere."""
    delivery = document["delivery"]["id"]
    known = {signal["id"] for signal in document["signals"]}
    texts = {f"signal.{name}": number(_value(found)) for name, found in changed.items() if name in known}
    if delivery in changed:
        texts["delivery"] = large_number(_value(changed[delivery]))
    if not texts:
        return None
    data: dict[str, Any] = {"texts": texts}
    if (found := changed.get(delivery)) is not None and found.good_ns is not None:
        data["sample"] = [found.good_ns // _NS_PER_MS, _value(found)]
    return data


def _value(found: Newest) -> float | str | None:
    if found.word is not None:
        return found.word
    return found.value if found.value == found.value else None


def _delivery(delivery: Mapping[str, Any], shown: Shown) -> None:
    value, target, old = delivery["value"], delivery["target"], delivery["stale"]
    shown.texts["delivery"] = large_number(value)
    shown.texts["delivery.age"] = age(delivery["age_s"])
    shown.states["delivery.old"] = _old(old)
    shown.states["stale"] = "shown" if old else "hidden"
    at = delivery["time"]
    if at is None:
        shown.texts["stale"] = tr("No data of the delivery signal yet.")
    else:
        shown.texts["stale"] = tr(
            "No data of the delivery signal since {time} ({age}). Grey values are old.",
            time=at[11:19],
            age=age(delivery["age_s"]),
        )
    if target:
        share = 0.0 if value is None else max(0.0, min(1.0, value / target))
        shown.states["delivery.share"] = f"{share:.4f}"
        shown.texts["delivery.share"] = tr(
            "{share} % of {target:g} {unit}",
            share=percent(None if value is None else max(0.0, 100 * value / target)),
            target=target,
            unit=delivery["unit"],
        )


def _beam(document: Mapping[str, Any], shown: Shown) -> None:
    beam = document["beam"]
    shown.states["beam"] = "unknown" if beam is None else beam["state"]
    if beam is None:
        shown.texts["beam"], shown.texts["beam.since"] = tr("being computed"), ""
        return
    shown.texts["beam"] = beam["label"][language()]
    since = beam["since"]
    if since is None:
        shown.texts["beam.since"] = tr("since before this month")
        return
    length_s = (parse_time(document["time"]) - parse_time(since)) / _NS_PER_S
    words = tr("since {time} ({length})", time=short_time(since, document["time"]), length=length(length_s))
    if beam["since_after"] == "unknown":
        words = tr("{since}, unknown before", since=words)
    shown.texts["beam.since"] = words


def _plan(plan: Mapping[str, Any], shown: Shown) -> None:
    block, following = plan["now"], plan["next"]
    shown.texts["plan.left"] = "" if block is None else countdown(block["ends_in_s"])
    shown.texts["plan.next.in"] = "" if following is None else countdown(following["starts_in_s"])
    shown.states["plan.left"] = "" if block is None else _passed(block)


def _passed(block: Mapping[str, Any]) -> str:
    """Return which share of a block is over."""
    whole_s = (parse_time(block["end"]) - parse_time(block["start"])) / _NS_PER_S
    return f"{1 - block['ends_in_s'] / whole_s:.3f}"


def _old(stale: bool) -> str:
    return "old" if stale else "fresh"


def _changed(now: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    return {slot: text for slot, text in now.items() if before.get(slot) != text}


def number(value: float | str | None) -> str:
    """Write a value as it is shown large: two decimals up to 1,000, and never more digits than say something."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return term(value)
    size = abs(value)
    if size >= 100_000 or 0 < size < 0.001:
        return f"{value:z.3g}"
    return f"{value:z,.{_DIGITS if size < 1000 else 1}f}" if size >= 0.1 or value == 0 else f"{value:z.4f}"


def large_number(value: float | str | None) -> str:
    """Write the delivery signal: always with as many decimals, so that the noise of no beam is seen to be none."""
    if value is None or isinstance(value, str):
        return number(value)
    return f"{value:z,.{_DIGITS if abs(value) < 1000 else 1}f}"


def age(seconds: float | None) -> str:
    """Write how old something is."""
    if seconds is None:
        return tr("never")
    return tr("{n} s", n=f"{seconds:.1f}") if seconds < 10 else length(seconds)


def length(seconds: float) -> str:
    """Write a length of time in its two largest units.

    Examples
    --------
    >>> length(42), length(5025), length(200_000)
    ('42 s', '1 h 23 min', '2 d 7 h')
    """
    whole = int(seconds)
    days, rest = divmod(whole, 86_400)
    of_day, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    if days:
        return tr("{days} d {hours} h", days=days, hours=of_day)
    if of_day:
        return tr("{hours} h {minutes} min", hours=of_day, minutes=minutes)
    if minutes:
        return tr("{minutes} min {seconds} s", minutes=minutes, seconds=left)
    return tr("{n} s", n=left)


def countdown(seconds: float) -> str:
    """Write what is left of something: ``h:mm:ss``, days before it.

    Examples
    --------
    >>> countdown(3725), countdown(90_000)
    ('1:02:05', '1 d 1:00:00')
    """
    whole = int(seconds)
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return tr("{days} d {clock}", days=days, clock=clock) if days else clock


def short_time(iso: str, now: str) -> str:
    """Write an instant: the time alone where it is of the same day, the year only where it is another."""
    if iso[:10] == now[:10]:
        return iso[11:16]
    text = f"{iso[5:10]} {iso[11:16]}"
    return text if iso[:4] == now[:4] else f"{iso[:4]}-{text}"


_WEEKDAYS: Final = (
    marked("Mon"), marked("Tue"), marked("Wed"), marked("Thu"), marked("Fri"), marked("Sat"), marked("Sun"),
)  # fmt: skip


def weekday_date(iso: str) -> str:
    """Write the date of an instant with its weekday."""
    day = date.fromisoformat(iso[:10])
    return tr("{weekday} {date}", weekday=tr(_WEEKDAYS[day.weekday()]), date=iso[:10])


def ledger(totals: Mapping[str, int]) -> str:
    """Write the account of samples in one line; lost ones only where there are any."""
    shown = [name for name in LEDGER if name != "lost" or totals[name]]
    received, *parts = (f"{count(totals[name])} {term(name)}" for name in shown)
    return f"{received} = {' + '.join(parts)}"


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """Availability of one running period, as it is written."""

    name: str
    id: str
    availability: str
    bounds: str
    coverage: str
    no_beam: str
    unknown: str
    failures: str
    below_target: bool


def period_rows(document: Mapping[str, Any]) -> list[PeriodRow]:
    """Return the availability of today, month and fiscal year; before the first figures nothing."""
    figures = document["figures"]
    if figures is None:
        return []
    rows: list[PeriodRow] = []
    target = figures["target_availability_pct"]
    for key, name in PERIODS.items():
        part = figures["periods"][key]
        if part is None:
            # A fiscal year is known once its days were read after a start.
            unknown = tr("not known yet") if key == "fiscal_year" else ""
            rows.append(PeriodRow(tr(name), unknown, NONE, "", "", "", "", "", below_target=False))
            continue
        pct, lower, upper = (part[f"availability{x}_pct"] for x in ("", "_lower", "_upper"))
        rows.append(
            PeriodRow(
                name=tr(name),
                id=part["period"]["id"],
                availability=percent(pct, 2),
                bounds="" if lower is None or lower == upper else f"{percent(lower, 2)} – {percent(upper, 2)}",
                coverage=percent(part["coverage_pct"]),
                no_beam=duration(round(part["no_beam_s"] * _NS_PER_S)),
                unknown=duration(round(part["unknown_s"] * _NS_PER_S)),
                failures=count(part["failures"]),
                below_target=target is not None and pct is not None and pct < target,
            )
        )
    return rows


def budget_hours(value_h: float | None) -> str:
    """Write hours of the downtime budget."""
    return hours(value_h, 1)
