"""Words for what a correction states: the code is for commands and JSON, the words are for people."""

from typing import Final

from facility.corrections import Assertion, Correction, Exclusion
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
_CAUSES: Final = {
    Exclusion.GRID: marked("power grid"),
    Exclusion.EARTHQUAKE: marked("earthquake"),
    Exclusion.WEATHER: marked("weather"),
}


def assertion_word(assertion: Assertion) -> str:
    """Return what a correction states.

    Examples
    --------
    >>> assertion_word(Assertion.SENSOR_FAULT)
    'sensor fault'
    """
    return tr(_WORDS[assertion])


def exclusion_word(category: Exclusion) -> str:
    """Return where a cause outside the facility lay."""
    return tr(_CAUSES[category])


def correction_words(correction: Correction) -> str:
    """Return number and statement of a correction, with the outside cause of an exclusion.

    Examples
    --------
    >>> correction_words(Correction(0, 1, Assertion.EXCLUDED, "a dip", "Sato", id=3, category=Exclusion.GRID))
    '#3 excluded: power grid'
    """
    category = correction.category
    words = assertion_word(correction.assertion) if category is None else exclusion_note(category)
    return f"#{correction.id} {words}"


def exclusion_note(category: Exclusion) -> str:
    """Return the note on an outage whose cause lay outside the facility.

    Examples
    --------
    >>> exclusion_note(Exclusion.GRID)
    'excluded: power grid'
    """
    return tr("excluded: {cause}", cause=exclusion_word(category))
