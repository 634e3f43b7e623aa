"""Short names of the rules that put time into accounts; the sentence of each is `Rule` itself."""

from typing import Final

from analytics.segments import Rule
from kado.language import marked, tr

_NAMES: Final = {
    Rule.PLAN: marked("plan"),
    Rule.DELIVERED: marked("delivered"),
    Rule.LOW_BEAM: marked("low beam"),
    Rule.GLITCH: marked("glitch"),
    Rule.TRIP: marked("trip"),
    Rule.STATED_UP: marked("stated up"),
    Rule.REFILL: marked("refill"),
    Rule.BELOW: marked("below"),
    Rule.MERGED: marked("merged"),
    Rule.CANCELLED: marked("cancelled"),
    Rule.FLAGGED: marked("flagged"),
    Rule.STATED_DOWN: marked("stated down"),
    Rule.STALE: marked("stale"),
    Rule.LINK: marked("link lost"),
    Rule.BAD: marked("bad"),
    Rule.SENSOR_FAULT: marked("sensor fault"),
    Rule.STATED_UNKNOWN: marked("stated unknown"),
    Rule.STATED_SENSOR_FAULT: marked("stated sensor fault"),
    Rule.FLAG_UNKNOWN: marked("flag unknown"),
    Rule.NO_SAMPLE: marked("no sample"),
}


def rule_name(rule: Rule) -> str:
    """Return the name that stands for a rule's sentence in tables."""
    return tr(_NAMES[rule])
