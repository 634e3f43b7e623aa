"""Accounting definitions: each rule in words."""

from collections.abc import Callable, Sequence
from typing import Final

from analytics.compare import rules_of
from facility.definition import Definition, Mtbf
from facility.text import Text as Words

FORMULAS: Final = {
    Mtbf.USER_TIME_PER_FAILURES_PLUS_ONE: "user time / (N + 1)",
    Mtbf.USER_TIME_PER_FAILURE: "user time / N",
    Mtbf.KNOWN_UPTIME_PER_FAILURE: "(user time - no-beam) / N",
}
"""How each formula stands beside its figure; N is the number of failures."""


def _flags(names: Sequence[str], otherwise: str, what: str) -> str:
    return ", ".join(f"flag {name}, {what}" for name in names) or otherwise


def _begin(d: Definition) -> str:
    if d.no_beam_below_fraction is None:
        return "below the facility's minimum"
    return f"below {100 * d.no_beam_below_fraction:g} % of the facility's nominal"


def _trips(d: Definition) -> str:
    if not d.trip_below_s:
        return "none: each outage is a failure"
    return f"outages of less than {d.trip_below_s / 60:g} min are not among the failures"


def _merging(d: Definition) -> str:
    if not d.merge_gap_s:
        return "none: each outage is its own"
    return f"outages less than {d.merge_gap_s / 60:g} min apart are one"


def _distortions(d: Definition) -> str:
    if isinstance(d.further_distortions, str):
        every = "failures, trips, low beams, and all that the facility's further signals show"
        return every if d.further_distortions == "all" else "failures, trips and low beams alone"
    return "failures, trips, low beams, and those of " + (", ".join(d.further_distortions) or "no further signal")


RULES: Final[dict[str, tuple[Words, Callable[[Definition], str]]]] = {
    "no_beam_below_fraction": (Words(en="no beam", ja="ビーム停止"), _begin),
    "no_beam_ends_at": (
        Words(en="end", ja="停止の終了"),
        lambda d: f"an outage ends when the facility's {d.no_beam_ends_at.value} limit is reached again",
    ),
    "requires": (
        Words(en="needs", ja="必要条件"),
        lambda d: _flags(d.requires, "nothing but the delivery signal", "without which there is no beam"),
    ),
    "fails_on": (
        Words(en="fails on", ja="故障条件"),
        lambda d: _flags(d.fails_on, "nothing but the delivery signal", "with which there is no beam"),
    ),
    "limits_frozen_in_runs": (
        Words(en="limits", ja="しきい値"),
        lambda d: "stay within a run as they were at its start" if d.limits_frozen_in_runs else "as they are in force",
    ),
    "min_duration_s": (
        Words(en="glitch", ja="瞬時変動"),
        lambda d: f"a fall that a good sample ends in less than {d.min_duration_s:g} s",
    ),
    "min_samples": (
        Words(en="samples", ja="最少点数"),
        lambda d: f"a fall of fewer than {d.min_samples} is a glitch" if d.min_samples > 1 else "one is enough",
    ),
    "merge_gap_s": (Words(en="merging", ja="統合"), _merging),
    "trip_below_s": (Words(en="trips", ja="短時間停止"), _trips),
    "trips_are_downtime": (
        Words(en="their time", ja="その時間"),
        lambda d: "trips are downtime" if d.trips_are_downtime else "trips are no downtime",
    ),
    "notice_days": (
        Words(en="notice", ja="予告期間"),
        lambda d: f"user time cancelled less than {d.notice_days:g} days ahead stays user time, without beam",
    ),
    "refill_is_delivered": (
        Words(en="refill", ja="再入射"),
        lambda d: "counts as delivered" if d.refill_is_delivered else "is taken out of delivered time",
    ),
    "further_distortions": (Words(en="distortions", ja="擾乱"), _distortions),
    "mtbf": (Words(en="MTBF", ja="平均故障間隔"), lambda d: FORMULAS[d.mtbf]),
}
"""Each rule of a definition by its field: what it is called, and what the definition chooses."""


def definition_document(definition: Definition) -> dict[str, object]:
    """Return a definition for programs: its fields, and each rule in words."""
    words = {
        rule: {"en": RULES[rule][0].en, "ja": RULES[rule][0].ja, "choice": RULES[rule][1](definition)}
        for rule in rules_of(definition)
    }
    return {**definition.model_dump(mode="json"), "rules": words}
