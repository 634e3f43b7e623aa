"""``kado dead-letters`` and ``kado recorded-gaps``."""

from typing import Annotated

import typer

from facility.time import system_clock
from kado.cli.cause_words import cause_in_words
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.output import local, print_json, show, table, title
from kado.queries.dead_letters import (
    forwards_later,
    gaps_document,
    letter_document,
    letters_document,
    load_dead_letter,
    replay_dead_letters,
    replayed_document,
)
from kado.rounding import count
from storage.telemetry_db.dead_letters import Chosen, read_dead_letters
from storage.telemetry_db.gaps import read_gaps

SourceOption = Annotated[str | None, typer.Option("--source", help="Only those of this source.")]
CauseOption = Annotated[str | None, typer.Option("--cause", help="Only those of this cause, such as unknown_topic.")]


def list_letters(
    source: SourceOption = None,
    cause: CauseOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many to list, the newest first.")] = 20,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List messages that could not become samples, with the cause.

    They are acknowledged and counted, and kept within bounds: 10,000 of them, 64 MB.

    \b
    Examples:
      kado dead-letters list
      kado dead-letters list --source ring --cause unknown_topic
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    total, letters = read_dead_letters(configuration.data_dir, limit, Chosen(source, cause))
    if output is Format.JSON:
        print_json(letters_document(profile, total, letters))
        return
    rows = table([tr("number"), tr("arrived"), tr("source"), tr("address"), tr("cause"), tr("what was wrong")], [])
    for letter in letters:
        arrived = local(letter.arrival_ns, profile.zone)
        rows.add_row(str(letter.id), arrived, letter.source, letter.address, letter.cause, letter.detail)
    footer = tr("{shown} of {total} dead letters", shown=count(len(letters)), total=count(total))
    meanings = [cause_in_words(cause) for cause in sorted({letter.cause for letter in letters})]
    show(title(profile, tr("dead letters")), rows, footer, *meanings)


def show_letter(
    number: Annotated[int, typer.Argument(help="Number of the dead letter, as the list has it.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Show one dead letter with its payload as it was received.

    A payload of more than 64 KiB is kept cut.

    \b
    Examples:
      kado dead-letters show 17
      kado dead-letters show 17 --format json
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    letter = load_dead_letter(configuration, number)
    if output is Format.JSON:
        print_json(letter_document(profile, letter))
        return
    rows = table(["", ""], [])
    for name, text in (
        (tr("arrived"), local(letter.arrival_ns, profile.zone, offset=True)),
        (tr("source"), letter.source),
        (tr("address"), letter.address),
        (tr("cause"), cause_in_words(letter.cause)),
        (tr("what was wrong"), letter.detail),
    ):
        rows.add_row(name, text)
    show(title(profile, tr("dead letter {number}", number=number)), rows, "", _readable(letter.payload))


def replay_letters(
    source: SourceOption = None,
    cause: CauseOption = None,
    number: Annotated[
        list[int] | None, typer.Option("--number", help="Only this one; may be given more than once.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Read dead letters once more, after the mapping or the profile was corrected.

    Stop 'kado run' first. What is accepted now is stored and counts as received once more; what is rejected again
    becomes a new dead letter. Bare values without a time are rejected again: nobody knows when they were measured.

    \b
    Examples:
      kado dead-letters replay --cause unknown_topic
      kado dead-letters replay --number 17
    """
    configuration = load_configuration(config)
    chosen = Chosen(source, cause, None if not number else tuple(number))
    done = replay_dead_letters(configuration, chosen, system_clock)
    if output is Format.JSON:
        print_json(replayed_document(configuration.profile, done))
        return
    lines = [
        trn(
            "{n} dead letter read once more: {samples} stored, {rejected} rejected again",
            "{n} dead letters read once more: {samples} stored, {rejected} rejected again",
            done.letters, samples=trn("{n} sample", "{n} samples", done.stored), rejected=count(done.rejected),
        )
    ]  # fmt: skip
    if done.left:
        lines.append(
            trn(
                "{n} was not changed: it is incomplete, or its format cannot be read again",
                "{n} were not changed: they are incomplete, or their format cannot be read again",
                done.left,
            )
        )
    if done.stored and forwards_later(configuration):
        lines.append(tr("'kado run' forwards them to InfluxDB"))
    show(*lines)


def recorded_gaps(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""List intervals in which samples may be lost for good, as recorded by sources and kado.

    'kado gaps' shows their effect on the availability of a period.

    \b
    Examples:
      kado recorded-gaps
      kado recorded-gaps --format json
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    gaps = read_gaps(configuration.data_dir)
    if output is Format.JSON:
        print_json(gaps_document(profile, gaps))
        return
    rows = table([tr("source"), tr("from"), tr("to"), tr("reason")], [tr("samples dropped")])
    for source, gap in gaps:
        start, end = (local(ns, profile.zone) for ns in (gap.start_ns, gap.end_ns))
        rows.add_row(source or "kado", start, end, cause_in_words(gap.reason), count(gap.dropped))
    show(title(profile, tr("recorded gaps")), rows)


def _readable(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return repr(payload)
