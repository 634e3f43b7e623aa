"""Faults of running simulators, in words: what each effect does, how long one lasts."""

import re
from typing import Final

from facility.errors import UsageError
from facility.sentence import Sentence
from kado.language import marked, tr
from simulators.answer_key import KeyFault
from simulators.scenario import Effect

_LENGTH: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(s|min|m|h|d)?")
_UNITS: Final = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_WORDS: Final[dict[Effect, str]] = {
    Effect.BEAM_DUMP: marked("the beam is lost, and back after the repair"),
    Effect.NO_INJECTION: marked("no top-up: the beam decays; pulses are weaker"),
    Effect.MONITOR_GLITCH: marked("a sample or two of the current monitor at zero"),
    Effect.MONITOR_DROPOUT: marked("the current monitor fails; the witness sees beam"),
    Effect.MONITOR_FREEZE: marked("the current monitor repeats its last value"),
    Effect.MONITOR_SPIKE: marked("the current monitor reads too high"),
    Effect.WITNESS_FAULT: marked("the second monitor fails"),
    Effect.MODE_FORGOTTEN: marked("the machine mode is not changed"),
    Effect.LINK_OUTAGE: marked("nothing arrives; what was not sent is lost"),
    Effect.BROKER_OUTAGE: marked("nothing arrives; what was not sent is sent afterwards"),
    Effect.CLOCK_STEP: marked("the source's clock is wrong"),
    Effect.DUPLICATES: marked("a third of all samples come twice"),
    Effect.OUT_OF_ORDER: marked("half of all samples come late"),
}


def effect_words(effect: str) -> str:
    """Return what an effect does, in a line."""
    return tr(_WORDS[Effect(effect)])


def seconds_of(option: str, text: str) -> float:
    """Read a length of time, such as ``90s``, ``20min``, ``2h`` or ``1d``.

    Raises
    ------
    UsageError
        If it is not one; `option` is where it was given.

    Examples
    --------
    >>> seconds_of("--for", "20min"), seconds_of("--shift", "-30")
    (1200.0, -30.0)
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            Sentence("{option} {text!r} is not a length of time: write 90s, 20min, 2h or 1d", option=option, text=text)
        )
    return float(match[1]) * _UNITS[match[2]]


def fault_detail(fault: KeyFault) -> str:
    """Return what an instrument reads, or how wrong a clock is, while a fault lasts; empty for other faults."""
    if fault.shift_s:
        text = marked("clock {seconds:g} s ahead") if fault.shift_s > 0 else marked("clock {seconds:g} s behind")
        return tr(text, seconds=abs(fault.shift_s))
    return tr("reads {value}", value=fault.reads) if fault.reads else ""


def length_word(seconds: float) -> str:
    """Return a length of time as `seconds_of` reads it.

    Examples
    --------
    >>> length_word(1200), length_word(90)
    ('20 min', '90 s')
    """
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"
