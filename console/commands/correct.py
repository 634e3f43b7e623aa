"""``kado correct``: what a person asserts about an interval, against or beyond the samples."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from console.command import AsKnownOnOption, ConfigOption, Format, FormatOption
from facility.corrections import Assertion, Exclusion

if TYPE_CHECKING:
    from console.config import Configuration
    from console.record import Said

FromOption = Annotated[str, typer.Option("--from", help="Its start, ISO 8601 with an offset.")]
ToOption = Annotated[str, typer.Option("--to", help="Its end; not in it any more.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for whoever disputes it.")]
AuthorOption = Annotated[str, typer.Option("--author", help="Who says so.")]
EvidenceOption = Annotated[str, typer.Option("--evidence", help="Where it can be looked up: logbook, picture, plot.")]

HELP: Final = {
    Assertion.UP: "Say that the beam was at nominal.",
    Assertion.DOWN: "Say that there was no beam.",
    Assertion.UNKNOWN: "Say that nothing is known, whatever the samples say.",
    Assertion.SENSOR_FAULT: "Say that the delivery signal's samples are bad.",
    Assertion.SENSOR_SOUND: "Say that the delivery signal is right, not its witness.",
    Assertion.ONE_EVENT: "Say that the outages that touch the time are one.",
    Assertion.SEPARATE: "Say that the outages inside the time are separate.",
}
"""The assertions that need no more than a time."""

_EXAMPLE: Final = """

    \\b
    Example:
      kado correct {word} --from 2026-10-03T09:00:00+09:00 {more}\\
        --to 2026-10-03T09:20:00+09:00 --reason "logbook, page 12" --author Sato
"""


def asserting(assertion: Assertion) -> Callable[..., None]:
    """Return the command that records an assertion which needs no more than a time."""

    def correct(
        start: FromOption,
        end: ToOption,
        reason: ReasonOption,
        author: AuthorOption,
        evidence: EvidenceOption = "",
        config: ConfigOption = None,
        output: FormatOption = Format.TABLE,
    ) -> None:
        from console.config import load_configuration
        from console.record import record_correction

        configuration = load_configuration(config)
        said = record_correction(configuration, assertion, start, end, author=author, reason=reason, evidence=evidence)
        _show(configuration, said, output)

    correct.__doc__ = HELP[assertion] + _EXAMPLE.format(word=assertion.value, more="")
    return correct


def excluded(
    start: FromOption,
    end: ToOption,
    category: Annotated[Exclusion, typer.Option("--category", help="What outside the facility was the reason.")],
    reason: ReasonOption,
    author: AuthorOption,
    evidence: EvidenceOption = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Say that downtime came from outside; it stays down.

    Figures are given with and without it.

    \b
    Example:
      kado correct excluded --category grid --from 2026-10-03T09:00:00+09:00 \
        --to 2026-10-03T09:20:00+09:00 --reason "dip of the grid" --author Sato
    """
    from console.config import load_configuration
    from console.record import record_correction

    configuration = load_configuration(config)
    said = record_correction(
        configuration,
        Assertion.EXCLUDED,
        start,
        end,
        author=author,
        reason=reason,
        evidence=evidence,
        category=category,
    )
    _show(configuration, said, output)


def reduced(
    start: FromOption,
    end: ToOption,
    limit: Annotated[
        float, typer.Option("--limit", help="What counted as full delivery, in the delivery signal's unit (mA).")
    ],
    reason: ReasonOption,
    author: AuthorOption,
    evidence: EvidenceOption = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Say that less was accepted as full delivery: lowers the limits.

    \b
    Example:
      kado correct reduced --limit 150 --from 2026-10-03T09:00:00+09:00 \
        --to 2026-10-03T12:00:00+09:00 --reason "agreed with users" --author Sato
    """
    from console.config import load_configuration
    from console.record import record_correction

    configuration = load_configuration(config)
    said = record_correction(
        configuration, Assertion.REDUCED, start, end, author=author, reason=reason, evidence=evidence, limit=limit
    )
    _show(configuration, said, output)


def withdraw(
    number: Annotated[int, typer.Argument(metavar="ID", help="The correction, as 'kado correct list' numbers it.")],
    reason: ReasonOption,
    author: AuthorOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Take a correction back; both stay on record.

    \b
    Example:
      kado correct withdraw 3 --reason "wrong day" --author Sato
    """
    from console.config import load_configuration
    from console.record import withdraw_correction

    configuration = load_configuration(config)
    _show(configuration, withdraw_correction(configuration, number, author, reason), output)


def list_corrections(
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List all corrections, those withdrawn too.

    \b
    Example:
      kado correct list
    """
    from console.config import load_configuration
    from console.output import print_json, show
    from console.record import load_corrections
    from console.views.corrections import correction_list, corrections_document

    configuration = load_configuration(config)
    listed = load_corrections(configuration, as_known_on)
    if output is Format.JSON:
        print_json(corrections_document(configuration.profile, listed))
    else:
        show(*correction_list(configuration.profile, listed))


def _show(configuration: "Configuration", said: "Said", output: Format) -> None:
    from console.output import print_json, show
    from console.views.corrections import correction_document, correction_list

    profile = configuration.profile
    if output is Format.JSON:
        print_json({"facility": profile.id, "simulated": profile.simulated, **correction_document(profile, said)})
    else:
        show(*correction_list(profile, [said]))
