"""Alarm rules as data: when a person must act, why, and what to do. Shipped sets lie beside, one a profile."""

from facility.alarms.conditions import (
    NAMED_LIMITS,
    AllCondition,
    AnyCondition,
    Condition,
    Leaf,
    LimitCondition,
    NoDataCondition,
    NotCondition,
    RateCondition,
    StaleCondition,
    StateCondition,
    leaves,
)
from facility.alarms.facts import FACTS, FIGURE_PERIODS, FIGURES, fact_series, figure_series
from facility.alarms.review import Finding, review
from facility.alarms.rule import MOST_RAISES, AlarmRule
from facility.alarms.rules import AlarmRules
from facility.alarms.series import SeriesSpec, SeriesTable
from facility.alarms.states import (
    LISTED_STATES,
    QUIET_STATES,
    Action,
    ActionKind,
    AlarmState,
    Cause,
    Priority,
    Refusal,
    RefusalReason,
    Transition,
    check_action,
)

__all__ = [
    "FACTS",
    "FIGURES",
    "FIGURE_PERIODS",
    "LISTED_STATES",
    "MOST_RAISES",
    "NAMED_LIMITS",
    "QUIET_STATES",
    "Action",
    "ActionKind",
    "AlarmRule",
    "AlarmRules",
    "AlarmState",
    "AllCondition",
    "AnyCondition",
    "Cause",
    "Condition",
    "Finding",
    "Leaf",
    "LimitCondition",
    "NoDataCondition",
    "NotCondition",
    "Priority",
    "RateCondition",
    "Refusal",
    "RefusalReason",
    "SeriesSpec",
    "SeriesTable",
    "StaleCondition",
    "StateCondition",
    "Transition",
    "check_action",
    "fact_series",
    "figure_series",
    "leaves",
    "review",
]
