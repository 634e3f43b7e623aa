"""``kado alarms tune``: a rule at other limits and delays."""

from typing import Annotated

import typer

from facility.errors import UsageError
from facility.sentence import Sentence
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption, PeriodOption
from kado.config import load_configuration
from kado.language import tr
from kado.output import print_json, show, table, title
from kado.queries.alarm_tuning import Choices, load_tuning, tuning_document


def tune(
    alarm: Annotated[str, typer.Argument(metavar="ID", help="The alarm.")],
    period: PeriodOption,
    limits: Annotated[str, typer.Option("--limits", help="Limits to try, such as 400,500,600.")] = "",
    deadbands: Annotated[str, typer.Option("--deadbands", help="Deadbands to try, in the same unit.")] = "",
    on_delays: Annotated[str, typer.Option("--on-delays", help="On-delays to try, s.")] = "",
    off_delays: Annotated[str, typer.Option("--off-delays", help="Off-delays to try, s.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Show how a rule would behave with other limits, deadbands and delays.

    Missed events: losses of beam in which the alarm was never raised.

    \b
    Example:
      kado alarms tune vacuum_high --period FY2025 --limits 400,500,600 --on-delays 5,30
    """
    chosen = Choices(_values(limits), _values(deadbands), _values(on_delays), _values(off_delays))
    found = load_tuning(load_configuration(config), alarm, period, chosen, system_clock())
    if output is Format.JSON:
        print_json(tuning_document(found))
        return
    headings = [tr("limit"), tr("deadband"), tr("on-delay\ns"), tr("off-delay\ns"), tr("raised")]
    rows = table((), [*headings, tr("in alarm\nh"), tr("chattering"), tr("missed\nevents")])
    for t in found.settings:
        v = t.variant
        rows.add_row(
            "–" if v.limit is None else f"{v.limit:g}",
            "–" if v.deadband is None else f"{v.deadband:g}",
            f"{v.on_delay_s:g}",
            f"{v.off_delay_s:g}",
            str(t.annunciations),
            f"{t.in_alarm_ns / 3.6e12:.2f}",
            str(t.chattering),
            f"{t.missed}/{found.events}",
        )
    show(title(found.configuration.profile, tr("{alarm} in {period}", alarm=alarm, period=found.period.id)), rows)


def _values(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise UsageError(
            Sentence("{text!r} are not numbers with commas between them: write 400,500,600", text=text)
        ) from error
