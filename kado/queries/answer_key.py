"""What kado finds in a simulated facility, against what truly happened there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.availability import Availability, ReportedEvent
from facility.alarms import AlarmRules, leaves
from facility.errors import UsageError
from facility.period import Period
from facility.profile import Profile
from facility.sentence import Sentence
from facility.signals import link_signal
from facility.time import format_time
from kado.config import Configuration
from kado.queries.alarm_replay import replay_rows
from kado.queries.alarm_rules import series_table
from kado.queries.availability import load_availability
from kado.queries.identity import identity
from simulators.answer_key import AnswerKey, KeyEvent

_ACCOUNTS: Final = ("user_time", "delivered", "no_beam", "unknown", "low_beam")


_ROUNDING_NS: Final = 1000
"""Seconds as JSON keeps them hold a year to a few ns."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which the answer key and kado do not agree."""

    what: str
    """Such as ``no_beam event`` or ``account unknown``."""
    expected: str | None
    """What the key says; None: nothing of the kind."""
    found: str | None
    """What kado says; None: nothing of the kind."""


def verify_key(configuration: Configuration, key: AnswerKey) -> list[Difference]:
    """Compute the key's period and return every difference.

    Raises
    ------
    UsageError
        If the key is of another facility.
    PeriodError
        If there are no samples or no schedule for its period.
    """
    profile = configuration.profile
    if key.facility != profile.id:
        raise UsageError(
            Sentence(
                "the answer key is of facility {facility!r}, and the configuration of {profile!r}",
                facility=key.facility,
                profile=profile.id,
            )
        )
    start, end = key.period.start, key.period.end
    period = Period(f"{format_time(start)}/{format_time(end)}", start, end)
    differences = compare(key, load_availability(configuration, period, key.definition).availability)
    return differences + compare_alarms(configuration, key)


def compare_alarms(configuration: Configuration, key: AnswerKey) -> list[Difference]:
    """Return every raise that the key and a replay of the rules that come with the facility do not share.

    Nothing is compared where the link that the rules read is not that of a configured simulator.
    """
    if key.alarms is None:
        return []
    table = series_table(configuration)
    rules = AlarmRules.shipped(configuration.profile.id, table)
    recorded = {link_signal(s.id) for s in configuration.sources if s.kind == "simulator"}
    read = {leaf.series for alarm in key.alarms.watched for leaf in leaves(rules.by_id[alarm].when)}
    if any(series.endswith("_link") and series not in recorded for series in read):
        return []
    if rules.fingerprint != key.alarms.rules:
        return [Difference("alarm rules", key.alarms.rules, rules.fingerprint)]
    rows = replay_rows(configuration, rules, key.period.start, key.period.end)
    expected = {(r.time, r.alarm): r.cause for r in key.alarms.raised}
    found = {(t.time_ns, t.alarm) for t in rows if t.annunciated and t.alarm in key.alarms.watched}
    missing = [
        Difference("alarm", f"{a} at {format_time(t)} ({expected[t, a]})", None)
        for t, a in expected
        if (t, a) not in found
    ]
    more = [Difference("alarm", None, f"{a} at {format_time(t)}") for t, a in sorted(found - set(expected))]
    return missing + more


def compare(key: AnswerKey, found: Availability) -> list[Difference]:
    """Return every difference between an answer key and an availability of its period."""
    no_beam = [r for r in found.events if r.event.kind.value == "no_beam"]
    low_beam = [r for r in found.events if r.event.kind.value == "low_beam"]
    counts = [
        ("failures", key.counts.failures, found.counts.failures),
        ("low_beam", key.counts.low_beam, found.counts.low_beam),
        ("glitches", key.counts.glitches, found.counts.glitches),
        ("sensor_faults", key.counts.sensor_faults, found.counts.sensor_faults),
        # A mode that is not recorded disagrees with nothing.
        ("mode_mismatches", key.counts.mode_mismatches or 0, found.counts.mode_mismatches or 0),
    ]
    differences = [Difference(f"count of {name}", str(a), str(b)) for name, a, b in counts if a != b]
    expected = key.accounts_ns()
    for name in _ACCOUNTS:
        a, b = expected[name], getattr(found.accounts, name)
        if abs(a - b) > _ROUNDING_NS:
            differences.append(Difference(f"account {name}", f"{a / 1e9:.3f} s", f"{b / 1e9:.3f} s"))
    differences += _compare_events("no_beam event", key, key.outages, no_beam)
    # The key lists the low-beams that went on to become no-beam as well; they are not events of their own.
    differences += _compare_events("low_beam event", key, key.low_beam, low_beam, all_expected=False)
    differences += _compare_spans("glitch", key, [(g.start, g.end) for g in key.glitches], _glitches(found))
    differences += _compare_spans("unknown time", key, [(u.start, u.end) for u in key.unknown], list(found.unknown))
    return differences


def _compare_events(
    what: str,
    key: AnswerKey,
    expected: Iterable[KeyEvent],
    found: Iterable[ReportedEvent],
    *,
    all_expected: bool = True,
) -> list[Difference]:
    """Match events by their ends, cut to the period; several of the key may be merged into one that was found."""
    left = [_cut(key, e.start, e.end) for e in expected]
    differences: list[Difference] = []
    for reported in found:
        span = _cut(key, reported.event.start_ns, reported.event.end_ns)
        inside = [e for e in left if span[0] <= e[0] and e[1] <= span[1]]
        left = [e for e in left if e not in inside]
        if not inside:
            differences.append(Difference(what, None, _span(span)))
        elif (hull := (min(a for a, _ in inside), max(b for _, b in inside))) != span:
            differences.append(Difference(what, _span(hull), _span(span)))
    if all_expected:
        differences += [Difference(what, _span(e), None) for e in left]
    return differences


def _compare_spans(
    what: str, key: AnswerKey, expected: list[tuple[int, int]], found: list[tuple[int, int]]
) -> list[Difference]:
    a, b = {_cut(key, *span) for span in expected}, {_cut(key, *span) for span in found}
    missing = [Difference(what, _span(span), None) for span in sorted(a - b)]
    return missing + [Difference(what, None, _span(span)) for span in sorted(b - a)]


def _glitches(found: Availability) -> list[tuple[int, int]]:
    return [(g.start_ns, g.end_ns) for g in found.glitches]


def _cut(key: AnswerKey, start_ns: int, end_ns: int) -> tuple[int, int]:
    return max(start_ns, key.period.start), min(end_ns, key.period.end)


def _span(span: tuple[int, int]) -> str:
    return f"{format_time(span[0])} to {format_time(span[1])}"


def differences_document(profile: Profile, key: AnswerKey, found: Sequence[Difference]) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        **identity(profile),
        "scenario": key.scenario,
        "seed": key.seed,
        "definition": key.definition,
        "agrees": not found,
        "differences": [{"what": d.what, "expected": d.expected, "found": d.found} for d in found],
    }
