"""FaultInjection through an outlet: what is asked for in words, and what is said in reply."""

from facility.errors import ScenarioError
from facility.sentence import Sentence
from facility.time import format_time, to_s
from simulators.fault_injection import FaultInjection
from simulators.faults import Fault

ALL = "all"
"""Asks for the repair of everything."""


def fault_words(fault: Fault) -> str:
    """Return a fault in a line."""
    reads = f", reads {fault.reads}" if fault.reads else ""
    shift = f", clock shifted by {to_s(fault.shift_ns):g} s" if fault.shift_ns else ""
    return f"{fault.effect.value} from {format_time(fault.start_ns)} to {format_time(fault.end_ns)}{reads}{shift}"


def fault_document(fault: Fault) -> dict[str, object]:
    """Return a fault as JSON has it."""
    document: dict[str, object] = {
        "effect": fault.effect.value,
        "cause": fault.cause,
        "start": format_time(fault.start_ns),
        "end": format_time(fault.end_ns),
    }
    if fault.reads:
        document["reads"] = fault.reads
    if fault.shift_ns:
        document["shift_s"] = to_s(fault.shift_ns)
    return document


def inject_words(injection: FaultInjection, words: list[str]) -> str:
    """Inject what is asked for as ``EFFECT [length_s=600] [reads=zero] [shift_s=-45]``, and say what will be.

    Raises
    ------
    ScenarioError
        If it cannot be understood, or done.
    """
    if not words:
        raise ScenarioError(Sentence("name what to inject: {effects}", effects=", ".join(injection.effects)))
    given: dict[str, str] = {}
    for word in words[1:]:
        name, equals, text = word.partition("=")
        if not equals or name not in ("length_s", "reads", "shift_s") or name in given:
            raise ScenarioError(
                Sentence(
                    "{word!r}: behind the effect, write length_s=600, reads=zero or shift_s=-45, each once", word=word
                )
            )
        given[name] = text
    fault = injection.inject(
        words[0],
        length_s=_seconds(given, "length_s"),
        reads=given.get("reads"),
        shift_s=_seconds(given, "shift_s"),
    )
    return fault_words(fault)


def repair_word(injection: FaultInjection, effect: str) -> str:
    """Repair an effect, or everything, and say what that was.

    Raises
    ------
    ScenarioError
        If there is nothing of that kind to repair.
    """
    broken = injection.clear() if effect == ALL else injection.repair(effect)
    return "; ".join(f"repaired: {fault_words(fault)}" for fault in broken) or "nothing was broken"


def active_words(injection: FaultInjection) -> str:
    """Return the effects of what is broken, from the next instant on that is not out yet."""
    return ", ".join(dict.fromkeys(fault.effect.value for fault in injection.active()))


def _seconds(given: dict[str, str], name: str) -> float | None:
    if name not in given:
        return None
    try:
        return float(given[name])
    except ValueError:
        raise ScenarioError(
            Sentence("{name}={given!r} is not a number of seconds", name=name, given=given[name])
        ) from None
