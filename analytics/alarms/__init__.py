"""The alarm engine: one pure function for live evaluation and for replay."""

from analytics.alarms.engine import advance, begin, resume
from analytics.alarms.feed import FactSample, Feed, LimitPieces, Outcome
from analytics.alarms.state import Engine

__all__ = ["Engine", "FactSample", "Feed", "LimitPieces", "Outcome", "advance", "begin", "resume"]
