"""Words for what a correction states: the code is for commands and JSON, the words are for people."""

from typing import Final

from facility.corrections import Assertion
from kado.language.catalogue import marked, tr

_WORDS: Final = {
    Assertion.UP: marked("beam was up"),
    Assertion.DOWN: marked("no beam"),
    Assertion.UNKNOWN: marked("unknown"),
    Assertion.SENSOR_FAULT: marked("sensor fault"),
    Assertion.SENSOR_SOUND: marked("delivery signal is correct"),
    Assertion.EXCLUDED: marked("excluded"),
    Assertion.REDUCED: marked("reduced limit"),
    Assertion.ONE_EVENT: marked("one event"),
    Assertion.SEPARATE: marked("separate events"),
}


def assertion_word(assertion: Assertion) -> str:
    """Return what a correction states.

    Examples
    --------
    >>> assertion_word(Assertion.SENSOR_FAULT)
    'sensor fault'
    """
    return tr(_WORDS[assertion])
