"""Accounting definitions: each rule in words."""

from collections.abc import Callable, Sequence
from typing import Final

from analytics.compare import rules_of
from facility.definition import Definition, Mtbf
from facility.text import Text as Words
from kado.language import in_language, marked, tr

FORMULAS: Final = {
    Mtbf.USER_TIME_PER_FAILURES_PLUS_ONE: marked("user time / (N + 1)"),
    Mtbf.USER_TIME_PER_FAILURE: marked("user time / N"),
    Mtbf.KNOWN_UPTIME_PER_FAILURE: marked("(user time - no-beam) / N"),
}
"""How each formula stands beside its figure; N is the number of failures."""


_ONLY_DELIVERY: Final = marked("only the delivery signal")


def _flags(names: Sequence[str], otherwise: str, what: str) -> str:
    return ", ".join(tr(what, flag=name) for name in names) or tr(otherwise)


def _begin(d: Definition) -> str:
    if d.no_beam_below_fraction is None:
        return tr("below the minimum of the facility")
    return tr("below {share:g} % of the nominal value of the facility", share=100 * d.no_beam_below_fraction)


def _trips(d: Definition) -> str:
    if not d.trip_below_s:
        return tr("none: each outage is a failure")
    return tr("outages shorter than {minutes:g} min are not counted as failures", minutes=d.trip_below_s / 60)


def _merging(d: Definition) -> str:
    if not d.merge_gap_s:
        return tr("none: each outage is a separate event")
    return tr("outages less than {minutes:g} min apart are one event", minutes=d.merge_gap_s / 60)


def _distortions(d: Definition) -> str:
    if isinstance(d.further_distortions, str):
        if d.further_distortions == "all":
            return tr("failures, trips, low beams, and the distortions of all further signals")
        return tr("failures, trips and low beams only")
    names = ", ".join(d.further_distortions) or tr("no further signal")
    return tr("failures, trips, low beams, and the distortions of {signals}", signals=names)


RULES: Final[dict[str, tuple[Words, Callable[[Definition], str]]]] = {
    "no_beam_below_fraction": (Words(en="no beam", ja="ビーム停止"), _begin),
    "no_beam_ends_at": (
        Words(en="end", ja="停止の終了"),
        lambda d: tr("an outage ends when the {limit} limit is reached again", limit=d.no_beam_ends_at.value),
    ),
    "requires": (
        Words(en="needs", ja="必要条件"),
        lambda d: _flags(d.requires, _ONLY_DELIVERY, marked("no beam without flag {flag}")),
    ),
    "fails_on": (
        Words(en="fails on", ja="故障条件"),
        lambda d: _flags(d.fails_on, _ONLY_DELIVERY, marked("no beam with flag {flag}")),
    ),
    "limits_frozen_in_runs": (
        Words(en="limits", ja="しきい値"),
        lambda d: (
            tr("fixed during a run, as at its start")
            if d.limits_frozen_in_runs
            else tr("the limits in force at each time")
        ),
    ),
    "min_duration_s": (
        Words(en="glitch", ja="瞬時変動"),
        lambda d: tr("a fall shorter than {seconds:g} s, ended by a good sample", seconds=d.min_duration_s),
    ),
    "min_samples": (
        Words(en="samples", ja="最少点数"),
        lambda d: (
            tr("a fall of fewer than {n} samples is a glitch", n=d.min_samples)
            if d.min_samples > 1
            else tr("one sample is enough")
        ),
    ),
    "merge_gap_s": (Words(en="merging", ja="統合"), _merging),
    "trip_below_s": (Words(en="trips", ja="短時間停止"), _trips),
    "trips_are_downtime": (
        Words(en="time of trips", ja="短時間停止の時間"),
        lambda d: tr("trips are downtime") if d.trips_are_downtime else tr("trips are not downtime"),
    ),
    "notice_days": (
        Words(en="notice", ja="予告期間"),
        lambda d: tr(
            "user time cancelled less than {days:g} days ahead stays user time, without beam", days=d.notice_days
        ),
    ),
    "refill_is_delivered": (
        Words(en="refill", ja="再入射"),
        lambda d: tr("counts as delivered") if d.refill_is_delivered else tr("does not count as delivered"),
    ),
    "further_distortions": (Words(en="distortions", ja="擾乱"), _distortions),
    "mtbf": (Words(en="MTBF", ja="平均故障間隔"), lambda d: tr(FORMULAS[d.mtbf])),
}
"""Each rule of a definition by its field: what it is called, and what the definition chooses."""


def definition_document(definition: Definition) -> dict[str, object]:
    """Return a definition for programs: its fields, and each rule in words."""
    with in_language("en"):
        words = {
            rule: {"en": RULES[rule][0].en, "ja": RULES[rule][0].ja, "choice": RULES[rule][1](definition)}
            for rule in rules_of(definition)
        }
    return {**definition.model_dump(mode="json"), "rules": words}
