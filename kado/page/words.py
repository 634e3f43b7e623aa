"""Words for what people state and do, as the views of the page show them."""

from typing import Final

from analytics.segments import Rule
from facility.corrections import Assertion
from kado.language import marked, tr

ASSERTIONS: Final = {
    Assertion.UP: (marked("The beam was at nominal"), marked("Resolves unknown time, or overrides the samples.")),
    Assertion.DOWN: (marked("There was no beam"), marked("Resolves unknown time, or overrides the samples.")),
    Assertion.UNKNOWN: (marked("The beam state is unknown"), marked("Whatever the samples show.")),
    Assertion.SENSOR_FAULT: (
        marked("The samples of the delivery signal are wrong"),
        marked("The last good value is used until it is too old; then the time is unknown."),
    ),
    Assertion.SENSOR_SOUND: (
        marked("The delivery signal is correct, its witness is wrong"),
        marked("The outage counts, although the witness saw beam."),
    ),
    Assertion.EXCLUDED: (
        marked("The cause lay outside the facility"),
        marked("It stays downtime; figures are given with and without it, once another person has confirmed it."),
    ),
    Assertion.REDUCED: (
        marked("Less beam was accepted as full delivery"),
        marked("During this time no limit is higher than this value."),
    ),
    Assertion.ONE_EVENT: (marked("The outages are one event"), marked("All that touch the time count as one failure.")),
    Assertion.SEPARATE: (
        marked("The outages are separate events"),
        marked("The outages inside this interval are counted one by one."),
    ),
}
_RULES: Final = {
    Rule.STALE: marked("no samples"),
    Rule.LINK: marked("link lost"),
    Rule.BAD: marked("bad samples"),
    Rule.SENSOR_FAULT: marked("witness contradicts"),
    Rule.FLAG_UNKNOWN: marked("flag not known"),
    Rule.NO_SAMPLE: marked("no sample yet"),
    Rule.STATED_UNKNOWN: marked("correction: unknown"),
    Rule.STATED_SENSOR_FAULT: marked("correction: sensor fault"),
}


def assertion_words(assertion: Assertion) -> str:
    """Return what a correction states."""
    return tr(ASSERTIONS[assertion][0])


def assertion_hint(assertion: Assertion) -> str:
    """Return what such a correction does."""
    return tr(ASSERTIONS[assertion][1])


def unknown_word(rule: Rule) -> str:
    """Return why time is unknown."""
    return tr(_RULES[rule]) if rule in _RULES else rule.value
