"""``kado simulate inject``."""

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from console.command import ConfigOption, Format, FormatOption

if TYPE_CHECKING:
    from simulators.control import Request

_LENGTH: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(s|min|m|h|d)?")
_UNITS: Final = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def inject(
    context: typer.Context,
    effect: Annotated[
        str | None, typer.Argument(help="What the fault does, such as beam_dump; without one: a list of them.")
    ] = None,
    length: Annotated[
        str | None, typer.Option("--for", help="How long it lasts: 90s, 20min, 2h; without it as --list says.")
    ] = None,
    cause: Annotated[
        str, typer.Option(help="What is to blame; rf and vacuum of a ring show in its RF voltage and pressure too.")
    ] = "injected",
    reads: Annotated[str | None, typer.Option(help="What a broken instrument reads; --list says which.")] = None,
    shift: Annotated[
        str | None, typer.Option(help="How far a clock_step puts the clock ahead: 30s, or -30s for behind.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="End the effect now, whatever caused it; without one: end everything.")
    ] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Write the answer key of the session so far, for 'kado verify'.")
    ] = False,
    list_effects: Annotated[
        bool, typer.Option("--list", help="Show what can be injected, what is broken, what was done.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="Which simulator, where several run.")] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Break something in a simulator that runs, or repair it.

    It begins at once, and never changes what is out already. Works with 'kado demo', 'kado run' with a source of kind
    simulator, and 'kado simulate --live', on the same configuration.

    \b
    Examples:
      kado simulate inject beam_dump --for 10min --cause rf
      kado simulate inject monitor_dropout --reads bad
      kado simulate inject --repair beam_dump
      kado simulate inject --list
    """
    from console.commands.simulate import config_of_group
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views import steering as view
    from facility.time import parse_time
    from simulators.remote import ask, chosen_simulator

    request = _request(effect, length, cause, reads, shift, repair=repair, answers=answers, listed=list_effects)
    configuration = load_configuration(config or config_of_group(context))
    profile = configuration.profile
    name = chosen_simulator(configuration.data_dir, source)
    reply = ask(configuration.data_dir, name, request)
    if output is Format.JSON:
        print_json(view.steering_document(profile, reply))
    elif request.do == "status":
        show(*view.state_of(profile, reply))
    elif reply.injected is not None:
        show(view.heading(profile, reply), *view.injected_lines(profile, reply.injected))
    elif reply.answer_key is not None:
        show(view.heading(profile, reply), f"answer key: {reply.answer_key}", f"session: {reply.session}")
    else:
        at_ns = parse_time(reply.done[-1].time) if reply.repaired else 0
        lines = [view.repaired_line(profile, fault, at_ns) for fault in reply.repaired]
        show(view.heading(profile, reply), *(lines or ["nothing was broken"]))


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
) -> "Request":
    from facility.errors import UsageError
    from simulators.control import Request

    if repair + answers + listed > 1:
        raise UsageError("--repair, --answers and --list are different things: choose one of them")
    given = {"--for": length, "--reads": reads, "--shift": shift, "--cause": None if cause == "injected" else cause}
    needless = [name for name, value in given.items() if value is not None]
    if needless and (repair or answers or listed or effect is None):
        raise UsageError(f"{needless[0]} is for a fault that is injected: name its effect, see --list")
    if effect is not None and (answers or listed):
        raise UsageError(f"--{'answers' if answers else 'list'} takes no effect: leave {effect!r} out")
    if repair:
        return Request(do="repair", effect=effect)
    if answers:
        return Request(do="answers")
    if effect is None:
        return Request(do="status")
    length_s = None if length is None else _seconds("--for", length)
    shift_s = None if shift is None else _seconds("--shift", shift)
    return Request(do="inject", effect=effect, cause=cause, length_s=length_s, reads=reads, shift_s=shift_s)


def _seconds(option: str, text: str) -> float:
    from facility.errors import UsageError

    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{option} {text!r} is not a length of time: write 90s, 20min, 2h or 1d")
    return float(match[1]) * _UNITS[match[2]]
