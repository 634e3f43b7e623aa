"""A running simulator: what can be injected, what is broken, what was done; as tables and as JSON."""

from typing import Final

from rich.console import RenderableType

from console.output import local, table, title
from facility.profile import Profile
from facility.time import parse_time
from simulators.answer_key import KeyFault
from simulators.control import Reply
from simulators.scenario import Effect

WORDS: Final[dict[Effect, str]] = {
    Effect.BEAM_DUMP: "the beam is lost, and back after the repair",
    Effect.NO_INJECTION: "no top-up: the beam decays; pulses are weaker",
    Effect.MONITOR_GLITCH: "a sample or two of the current monitor at zero",
    Effect.MONITOR_DROPOUT: "the current monitor fails; the witness sees beam",
    Effect.MONITOR_FREEZE: "the current monitor repeats its last value",
    Effect.MONITOR_SPIKE: "the current monitor reads too much",
    Effect.WITNESS_FAULT: "the second monitor fails",
    Effect.MODE_FORGOTTEN: "nobody changes the machine mode",
    Effect.LINK_OUTAGE: "nothing arrives; what was not sent is lost",
    Effect.BROKER_OUTAGE: "nothing arrives; what was not sent comes afterwards",
    Effect.CLOCK_STEP: "the source's clock is wrong",
    Effect.DUPLICATES: "a third of all samples come twice",
    Effect.OUT_OF_ORDER: "half of all samples come late",
}
"""What each effect does, in a line."""


def steering_document(profile: Profile, reply: Reply) -> dict[str, object]:
    """Return what a simulator answered, for programs."""
    return {"simulated": profile.simulated, **reply.model_dump(mode="json", exclude={"error", "exit_code"})}


def injected_lines(profile: Profile, fault: KeyFault) -> list[RenderableType]:
    """Say what was injected, and how to end it."""
    return [
        f"{_named(fault)} from {local(fault.start, profile.zone)} to {local(fault.end, profile.zone, offset=True)}",
        f"to end it earlier: kado simulate inject --repair {fault.effect.value}",
    ]


def repaired_line(profile: Profile, fault: KeyFault, at_ns: int) -> str:
    """Say what was repaired."""
    since, at = local(fault.start, profile.zone), local(at_ns, profile.zone, offset=True)
    return f"{_named(fault)}, broken since {since}, repaired at {at}"


def heading(profile: Profile, reply: Reply) -> RenderableType:
    """Return the first line of what is shown of a running simulator."""
    return title(profile, f"simulator {reply.name}, scenario {reply.scenario}, seed {reply.seed}")


def state_of(profile: Profile, reply: Reply) -> list[RenderableType]:
    """Return what is broken, what was done, and what can be injected."""
    parts: list[RenderableType] = [heading(profile, reply), ""]
    if reply.broken:
        broken = table(["broken now", "cause", "since", "until", ""])
        for fault in reply.broken:
            since, until = (local(ns, profile.zone) for ns in (fault.start, fault.end))
            broken.add_row(fault.effect.value, fault.cause, since, until, _detail(fault))
        parts += [broken, ""]
    else:
        parts += ["nothing is broken", ""]
    if reply.done:
        done = table(["done at", "what", "effect", "cause", ""])
        for entry in reply.done:
            fault = entry.fault
            at = local(parse_time(entry.time), profile.zone)
            length = _length((fault.end - fault.start) / 1e9) if entry.what == "injected" else ""
            done.add_row(
                at, entry.what, fault.effect.value, fault.cause, ", ".join(filter(None, [length, _detail(fault)]))
            )
        parts += [done, ""]
    effects = table(["effect", "what it does", "--reads"], ["usual length"], order=_ORDER)
    for row in reply.effects:
        effects.add_row(row.effect, WORDS[Effect(row.effect)], _length(row.usual_s), " | ".join(row.reads))
    return [*parts, effects]


_ORDER: Final = ("effect", "what it does", "usual length", "--reads")


def _named(fault: KeyFault) -> str:
    detail = _detail(fault)
    return f"{fault.effect.value} (cause {fault.cause}{f', {detail}' if detail else ''})"


def _detail(fault: KeyFault) -> str:
    if fault.shift_s:
        return f"clock {abs(fault.shift_s):g} s {'ahead' if fault.shift_s > 0 else 'behind'}"
    return f"reads {fault.reads}" if fault.reads else ""


def _length(seconds: float) -> str:
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"
