"""``kado correct``: what a person asserts about an interval, against or beyond the samples."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from facility.corrections import Assertion, Correction, Exclusion
from facility.errors import UnreachableError, UsageError
from facility.profile import Profile
from facility.time import parse_time
from kado.cli.command import AsKnownOnOption, ConfigOption, Format, FormatOption
from kado.config import Configuration, load_configuration
from kado.language import tr
from kado.language.assertions import assertion_word, exclusion_note
from kado.language.sentences import error_text
from kado.output import local, print_json, show, stretch, title
from kado.progress import progress_bar
from kado.queries.correction_effect import LongCorrectionError, find_event, preview_correction, preview_document
from kado.queries.corrections import RecordedCorrection, correction_document, corrections_document, load_corrections
from kado.queries.effect_words import effect_words
from kado.queries.identity import identity
from kado.service.recording import confirm_correction, make_correction, withdraw_correction, write_correction

FromOption = Annotated[str | None, typer.Option("--from", help="Start of the interval, ISO 8601 with an offset.")]


ToOption = Annotated[str | None, typer.Option("--to", help="End of the interval, not included.")]


EventOption = Annotated[
    str | None, typer.Option("--event", help="The interval of this event; its id is shown by 'kado events'.")
]


SampleOption = Annotated[str | None, typer.Option("--sample", help="The one sample with this stamp.")]


YesOption = Annotated[bool, typer.Option("--yes", help="Write without asking; needed where there is no terminal.")]


ReasonOption = Annotated[str, typer.Option("--reason", help="Reason, for later questions.")]


AuthorOption = Annotated[str, typer.Option("--author", help="Author of the entry.")]


EvidenceOption = Annotated[
    str, typer.Option("--evidence", help="Where the evidence can be found: logbook, picture, plot.")
]


HELP: Final = {
    Assertion.UP: "State that the beam was at nominal.",
    Assertion.DOWN: "State that there was no beam.",
    Assertion.UNKNOWN: "State that the beam state is unknown, whatever the samples show.",
    Assertion.SENSOR_FAULT: "State that the samples of the delivery signal are wrong.",
    Assertion.SENSOR_SOUND: "State that the delivery signal is correct and its witness is wrong.",
    Assertion.ONE_EVENT: "Count all outages that touch the interval as one.",
    Assertion.SEPARATE: "Count the outages inside the interval separately.",
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
        reason: ReasonOption,
        author: AuthorOption,
        start: FromOption = None,
        end: ToOption = None,
        event: EventOption = None,
        sample: SampleOption = None,
        evidence: EvidenceOption = "",
        yes: YesOption = False,
        config: ConfigOption = None,
        output: FormatOption = Format.TABLE,
    ) -> None:

        configuration = load_configuration(config)
        interval = _interval(configuration, start, end, event, sample)
        new = make_correction(configuration, assertion, interval, author=author, reason=reason, evidence=evidence)
        _write(configuration, new, output, yes=yes)

    correct.__doc__ = HELP[assertion] + _EXAMPLE.format(word=assertion.value, more="")
    return correct


def excluded(
    category: Annotated[Exclusion, typer.Option("--category", help="Cause outside the facility.")],
    reason: ReasonOption,
    author: AuthorOption,
    start: FromOption = None,
    end: ToOption = None,
    event: EventOption = None,
    evidence: EvidenceOption = "",
    yes: YesOption = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Mark downtime as caused outside the facility; it stays downtime.

    Figures are reported with and without it, once another person has confirmed it (kado correct confirm).

    \b
    Example:
      kado correct excluded --category grid --from 2026-10-03T09:00:00+09:00 \
        --to 2026-10-03T09:20:00+09:00 --reason "dip of the grid" --author Sato
    """
    configuration = load_configuration(config)
    interval = _interval(configuration, start, end, event, None)
    new = make_correction(
        configuration,
        Assertion.EXCLUDED,
        interval,
        author=author,
        reason=reason,
        evidence=evidence,
        category=category,
    )
    _write(configuration, new, output, yes=yes)


def reduced(
    limit: Annotated[
        float, typer.Option("--limit", help="Value accepted as full delivery, in the unit of the delivery signal (mA).")
    ],
    reason: ReasonOption,
    author: AuthorOption,
    start: FromOption = None,
    end: ToOption = None,
    event: EventOption = None,
    evidence: EvidenceOption = "",
    yes: YesOption = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Lower the limits: less beam was accepted as full delivery.

    \b
    Example:
      kado correct reduced --limit 150 --from 2026-10-03T09:00:00+09:00 \
        --to 2026-10-03T12:00:00+09:00 --reason "agreed with users" --author Sato
    """
    configuration = load_configuration(config)
    interval = _interval(configuration, start, end, event, None)
    new = make_correction(
        configuration, Assertion.REDUCED, interval, author=author, reason=reason, evidence=evidence, limit=limit
    )
    _write(configuration, new, output, yes=yes)


def withdraw(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of the correction, from 'kado correct list'.")],
    reason: ReasonOption,
    author: AuthorOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Withdraw a correction; both stay on record.

    \b
    Example:
      kado correct withdraw 3 --reason "wrong day" --author Sato
    """
    configuration = load_configuration(config)
    _show(configuration, withdraw_correction(configuration, number, author, reason), output)


def confirm(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of the correction, from 'kado correct list'.")],
    author: Annotated[str, typer.Option("--author", help="Who confirms; not the author of the correction.")],
    remark: Annotated[str, typer.Option("--remark", help="What the confirmation rests on.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Confirm an exclusion as a second person; from then on it counts.

    \b
    Example:
      kado correct confirm 3 --author Mori --remark "report of the power company"
    """
    configuration = load_configuration(config)
    _show(configuration, confirm_correction(configuration, number, author, remark), output)


def list_corrections(
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List all corrections, including withdrawn ones.

    \b
    Example:
      kado correct list
    """
    configuration = load_configuration(config)
    listed = load_corrections(configuration, as_known_on)
    if output is Format.JSON:
        print_json(corrections_document(configuration.profile, listed))
    else:
        show(*correction_list(configuration.profile, listed))


def _interval(
    configuration: Configuration, start: str | None, end: str | None, event: str | None, sample: str | None
) -> tuple[int, int]:
    """Return the time that a correction is about."""
    ways = [start is not None or end is not None, event is not None, sample is not None]
    if sum(ways) != 1 or (start is None) != (end is None):
        raise UsageError(tr("give the interval: --from and --to, or --event ID, or --sample TIME"))
    if event is not None:
        return find_event(configuration, event)
    if sample is not None:
        at = parse_time(sample)
        return at, at + 1
    return parse_time(str(start)), parse_time(str(end))


def _write(configuration: Configuration, new: Correction, output: Format, *, yes: bool) -> None:
    """Show what a correction will change, ask at a terminal, and write it.

    Raises
    ------
    UsageError
        If there is nobody to ask, and `yes` was not given.
    """
    try:
        with progress_bar(tr("computing what it will change"), 1) as bar:
            preview = preview_correction(configuration, new, progress=bar.advance_through)
    except (UnreachableError, LongCorrectionError) as error:
        preview, lines = None, [tr("The effect cannot be computed: {error}", error=error_text(error))]
    else:
        lines = [tr("Will change: {changes}", changes=effect_words(preview.effect))]
        lines += [tr("Warning: {warning}", warning=warning) for warning in preview.warnings]
    if output is Format.TABLE:
        show(*lines)
    if not yes and not sys.stdin.isatty():
        if output is Format.JSON and preview is not None:
            print_json(preview_document(preview))
        raise UsageError(
            tr(
                "nothing was written: there is no terminal to ask for confirmation; check what will change, then add "
                "--yes"
            )
        )
    if not yes and not typer.confirm(tr("Write it?")):
        raise typer.Exit(1)
    said = write_correction(configuration, new)
    if output is Format.JSON:
        profile = configuration.profile
        will = {} if preview is None else {"preview": preview_document(preview)}
        print_json({**identity(profile), **correction_document(profile, said), **will})
    else:
        _show(configuration, said, output)


def _show(configuration: Configuration, said: RecordedCorrection, output: Format) -> None:

    profile = configuration.profile
    if output is Format.JSON:
        print_json({**identity(profile), **correction_document(profile, said)})
    else:
        show(*correction_list(profile, [said]))


def correction_list(profile: Profile, listed: Sequence[RecordedCorrection]) -> list[RenderableType]:
    """Return the corrections, each with who said it and why."""
    heading = title(profile, tr("corrections"))
    if not listed:
        return [heading, tr("none")]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", no_wrap=True, overflow="fold")
    rows.add_column(overflow="fold")
    for said in listed:
        rows.add_row(f"#{said.correction.id}", _words(profile, said))
    return [heading, rows]


def _words(profile: Profile, said: RecordedCorrection) -> Text:
    c, w, zone = said.correction, said.withdrawal, profile.zone
    words = assertion_word(c.assertion) if c.category is None else exclusion_note(c.category)
    text = Text(words, style="bold" if w is None else "strike")
    if c.limit is not None:
        text.append(tr(" (limit {limit:g} {unit})", limit=c.limit, unit=profile.delivery.unit))
    text.append(f"  {stretch(c.start_ns, c.end_ns, zone)}", style="not bold")
    recorded = local(c.recorded_at_ns, zone)
    text.append(f"\n{c.author}, {recorded}: {c.reason}", style="not bold not strike")
    if c.evidence:
        text.append("\n" + tr("evidence: {evidence}", evidence=c.evidence), style="not bold not strike")
    if said.awaiting:
        text.append("\n" + tr("awaiting confirmation by another person; it does not count yet"), style="yellow")
    if (confirmed := said.confirmation) is not None:
        who = tr("confirmed by {author}, {time}", author=confirmed.author, time=local(confirmed.recorded_at_ns, zone))
        remark = f": {confirmed.remark}" if confirmed.remark else ""
        text.append(f"\n{who}{remark}", style="not bold not strike")
    if w is not None:
        recorded = local(w.recorded_at_ns, zone)
        withdrawn = tr("withdrawn by {author}, {time}: {reason}", author=w.author, time=recorded, reason=w.reason)
        text.append(f"\n{withdrawn}", style="not bold not strike")
    return text


up = asserting(Assertion.UP)
down = asserting(Assertion.DOWN)
unknown = asserting(Assertion.UNKNOWN)
sensor_fault = asserting(Assertion.SENSOR_FAULT)
sensor_sound = asserting(Assertion.SENSOR_SOUND)
one_event = asserting(Assertion.ONE_EVENT)
separate = asserting(Assertion.SEPARATE)
