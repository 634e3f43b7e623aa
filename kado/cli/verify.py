"""``kado verify``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from facility.errors import ProblemFoundError
from facility.profile import Profile
from facility.time import format_time
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.output import print_json, show, table, title
from kado.queries.answer_key import Difference, differences_document, verify_key
from simulators.answer_key import AnswerKey


def verify(
    key: Annotated[Path, typer.Argument(help="The answer key that 'kado simulate' wrote.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Compare what kado finds with what a simulator truly did.

    Ends with 1 and the differing events if the two do not agree.

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
        raise ProblemFoundError(f"{key}: {len(found)} differences between what happened and what kado found")


def differences(profile: Profile, key: AnswerKey, found: Sequence[Difference]) -> list[RenderableType]:
    """Return what was compared, and a row for each difference."""
    period = f"{format_time(key.period.start, profile.zone)} to {format_time(key.period.end, profile.zone)}"
    lines: list[RenderableType] = [
        title(profile, f"scenario {key.scenario}, seed {key.seed}, definition {key.definition}"),
        f"Period   {period}",
        f"Compared {len(key.outages)} losses of beam, {len(key.low_beam)} low beams, {len(key.glitches)} glitches, "
        f"{len(key.unknown)} unknown stretches, 5 accounts",
    ]
    if not found:
        return [*lines, "kado found what happened: no difference"]
    rows = table(["what", "happened", "kado found"])
    for difference in found:
        rows.add_row(difference.what, difference.expected or "nothing", difference.found or "nothing")
    return [*lines, "", rows]
