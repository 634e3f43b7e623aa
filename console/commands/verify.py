"""``kado verify``."""

from pathlib import Path
from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


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
    from console.config import load_configuration
    from console.output import print_json, show
    from console.verification import verify_key
    from console.views.verification import differences, differences_document
    from facility.errors import ProblemFoundError
    from simulators.answer_key import AnswerKey

    configuration = load_configuration(config)
    answers = AnswerKey.read(key)
    found = verify_key(configuration, answers)
    if output is Format.JSON:
        print_json(differences_document(configuration.profile, answers, found))
    else:
        show(*differences(configuration.profile, answers, found))
    if found:
        raise ProblemFoundError(f"{key}: {len(found)} differences between what happened and what kado found")
