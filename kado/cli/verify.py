"""``kado verify``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from facility.errors import ProblemFoundError
from facility.profile import Profile
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.output import facts, print_json, show, span, table, title
from kado.queries.answer_key import Difference, differences_document, verify_key
from simulators.answer_key import AnswerKey


def verify(
    key: Annotated[Path, typer.Argument(help="The answer key that 'kado simulate' wrote.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Compare the result of kado with the answer key of a simulator.

    Ends with 1 and lists the differing events if the two do not agree.

    \b
    Example:
      kado verify data/answers/demo-1.json
    """
    configuration = load_configuration(config)
    answers = AnswerKey.read(key)
    found = verify_key(configuration, answers)
    if output is Format.JSON:
        print_json(differences_document(configuration.profile, answers, found))
    else:
        show(*differences(configuration.profile, answers, found))
    if found:
        raise ProblemFoundError(
            trn(
                "{key}: {n} difference between the answer key and the result of kado",
                "{key}: {n} differences between the answer key and the result of kado",
                len(found),
                key=key,
            )
        )


def differences(profile: Profile, key: AnswerKey, found: Sequence[Difference]) -> list[RenderableType]:
    """Return what was compared, and a row for each difference."""
    period = span(key.period.start, key.period.end, profile.zone)
    compared = tr(
        "losses of beam: {losses}, low beams: {low}, glitches: {glitches}, unknown intervals: {unknown}, accounts: 5",
        losses=len(key.outages),
        low=len(key.low_beam),
        glitches=len(key.glitches),
        unknown=len(key.unknown),
    )
    if key.alarms is not None:
        compared += "; " + tr(
            "alarms: {rules}, raises: {raised}", raised=len(key.alarms.raised), rules=len(key.alarms.watched)
        )
    lines: list[RenderableType] = [
        title(
            profile,
            tr(
                "scenario {scenario}, seed {seed}, definition {definition}",
                scenario=key.scenario,
                seed=key.seed,
                definition=key.definition,
            ),
        ),
        facts([("Period", period), ("Compared", compared)]),
    ]
    if not found:
        return [*lines, tr("no difference between the answer key and the result of kado")]
    rows = table(["what", "answer key", "kado"])
    for difference in found:
        rows.add_row(difference.what, difference.expected or tr("nothing"), difference.found or tr("nothing"))
    return [*lines, "", rows]
