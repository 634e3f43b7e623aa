"""``kado simulate inject``."""

from typing import Annotated, Final

import typer
from rich.console import RenderableType

from facility.errors import UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import parse_time
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.cli.simulate import config_of_group
from kado.config import load_configuration
from kado.language import tr
from kado.output import local, print_json, show, stretch, table, title
from kado.queries.identity import identity
from kado.queries.simulator_faults import effect_words, fault_detail, length_word, seconds_of
from simulators.answer_key import KeyFault
from simulators.control import Reply, Request
from simulators.remote import ask, chosen_simulator


def inject(
    context: typer.Context,
    effect: Annotated[
        str | None, typer.Argument(help="Effect of the fault, such as beam_dump; without it, the effects are listed.")
    ] = None,
    length: Annotated[
        str | None, typer.Option("--for", help="Duration: 90s, 20min, 2h; default: as shown by --list.")
    ] = None,
    cause: Annotated[
        str, typer.Option(help="Cause to record; rf and vacuum of a ring also change its RF voltage and pressure.")
    ] = "injected",
    reads: Annotated[
        str | None, typer.Option(help="Reading of a faulty instrument; the choices are shown by --list.")
    ] = None,
    shift: Annotated[str | None, typer.Option(help="Clock error of clock_step: 30s is ahead, -30s is behind.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="End the effect now, whatever its cause; without an effect: end all.")
    ] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Write the answer key of the session so far, for 'kado verify'.")
    ] = False,
    list_effects: Annotated[
        bool, typer.Option("--list", help="Show the effects that can be injected, active faults, and actions so far.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="Which simulator, if several run.")] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Inject a fault into a running simulator, or repair it.

    The fault starts at once and does not change samples that are already published. Works with 'kado demo',
    with 'kado run' and a source of kind simulator, and with 'kado simulate --live', on the same configuration.

    \b
    Examples:
      kado simulate inject beam_dump --for 10min --cause rf
      kado simulate inject monitor_dropout --reads bad
      kado simulate inject --repair beam_dump
      kado simulate inject --list
    """
    request = _request(effect, length, cause, reads, shift, repair=repair, answers=answers, listed=list_effects)
    configuration = load_configuration(config or config_of_group(context))
    profile = configuration.profile
    name = chosen_simulator(configuration.data_dir, source)
    reply = ask(configuration.data_dir, name, request)
    if output is Format.JSON:
        print_json(injection_document(profile, reply))
    elif request.do == "status":
        show(*state_of(profile, reply))
    elif reply.injected is not None:
        show(heading(profile, reply), *injected_lines(profile, reply.injected))
    elif reply.answer_key is not None:
        show(
            heading(profile, reply),
            tr("answer key: {file}", file=reply.answer_key),
            tr("session: {file}", file=reply.session),
        )
    else:
        at_ns = parse_time(reply.done[-1].time) if reply.repaired else 0
        lines = [repaired_line(profile, fault, at_ns) for fault in reply.repaired]
        show(heading(profile, reply), *(lines or [tr("no fault was active")]))


def _request(
    effect: str | None,
    length: str | None,
    cause: str,
    reads: str | None,
    shift: str | None,
    *,
    repair: bool,
    answers: bool,
    listed: bool,
) -> Request:

    if repair + answers + listed > 1:
        raise UsageError(Sentence("--repair, --answers and --list are different things: choose one of them"))
    given = {"--for": length, "--reads": reads, "--shift": shift, "--cause": None if cause == "injected" else cause}
    needless = [name for name, value in given.items() if value is not None]
    if needless and (repair or answers or listed or effect is None):
        raise UsageError(
            Sentence("{needless} is for a fault that is injected: name its effect, see --list", needless=needless[0])
        )
    if effect is not None and (answers or listed):
        raise UsageError(
            Sentence(
                "--{what} takes no effect: leave {effect!r} out", what="answers" if answers else "list", effect=effect
            )
        )
    if repair:
        return Request(do="repair", effect=effect)
    if answers:
        return Request(do="answers")
    if effect is None:
        return Request(do="status")
    length_s = None if length is None else seconds_of("--for", length)
    shift_s = None if shift is None else seconds_of("--shift", shift)
    return Request(do="inject", effect=effect, cause=cause, length_s=length_s, reads=reads, shift_s=shift_s)


def injection_document(profile: Profile, reply: Reply) -> dict[str, object]:
    """Return what a simulator answered, for programs."""
    return {**identity(profile), **reply.model_dump(mode="json", exclude={"error", "exit_code"})}


def injected_lines(profile: Profile, fault: KeyFault) -> list[RenderableType]:
    """Say what was injected, and how to end it."""
    return [
        tr("{fault}: {interval}", fault=_named(fault), interval=stretch(fault.start, fault.end, profile.zone)),
        tr("to end it earlier: kado simulate inject --repair {effect}", effect=fault.effect.value),
    ]


def repaired_line(profile: Profile, fault: KeyFault, at_ns: int) -> str:
    """Say what was repaired."""
    since, at = local(fault.start, profile.zone), local(at_ns, profile.zone, offset=True)
    return tr("{fault}: active since {since}, repaired at {time}", fault=_named(fault), since=since, time=at)


def heading(profile: Profile, reply: Reply) -> RenderableType:
    """Return the first line of what is shown of a running simulator."""
    return title(
        profile,
        tr(
            "simulator {name}, scenario {scenario}, seed {seed}",
            name=reply.name,
            scenario=reply.scenario,
            seed=reply.seed,
        ),
    )


def state_of(profile: Profile, reply: Reply) -> list[RenderableType]:
    """Return what is broken, what was done, and what can be injected."""
    parts: list[RenderableType] = [heading(profile, reply), ""]
    if reply.broken:
        broken = table(["active fault", "cause", "since", "until", ""])
        for fault in reply.broken:
            since, until = (local(ns, profile.zone) for ns in (fault.start, fault.end))
            broken.add_row(fault.effect.value, fault.cause, since, until, fault_detail(fault))
        parts += [broken, ""]
    else:
        parts += [tr("no fault is active"), ""]
    if reply.done:
        done = table(["time", "action", "effect", "cause", ""])
        for entry in reply.done:
            fault = entry.fault
            at = local(parse_time(entry.time), profile.zone)
            length = length_word((fault.end - fault.start) / 1e9) if entry.what == "injected" else ""
            detail = ", ".join(filter(None, [length, fault_detail(fault)]))
            done.add_row(at, tr(entry.what), fault.effect.value, fault.cause, detail)
        parts += [done, ""]
    effects = table(["effect", "what it does", "--reads"], ["usual length"], order=_ORDER)
    for row in reply.effects:
        effects.add_row(row.effect, effect_words(row.effect), length_word(row.usual_s), " | ".join(row.reads))
    return [*parts, effects]


_ORDER: Final = ("effect", "what it does", "usual length", "--reads")


def _named(fault: KeyFault) -> str:
    detail = fault_detail(fault)
    cause = tr("cause {cause}", cause=fault.cause)
    return f"{fault.effect.value} ({cause}{f', {detail}' if detail else ''})"
