"""``kado alarms test``."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from analytics.alarms.scenario_files import Row
from analytics.alarms.scenarios import Difference, Report, run_file
from facility.errors import AlarmScenarioError
from facility.sentence import Sentence
from kado.cli.command import Format, FormatOption
from kado.language import marked, tr, trn
from kado.output import print_json

_WHAT: Final = {"row": marked("row"), "refusal": marked("refusal"), "figure": marked("figure")}


def run_scenarios(
    file: Annotated[Path, typer.Argument(help="A JSON file with scenarios and kpi_scenarios.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the random divisions of time.")] = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Run worked alarm scenarios, live and in replay.

    Each live scenario also runs at every second and with five random divisions of time. Prints a line for each
    scenario that differs; ends with 1 if one does.

    \b
    Examples:
      kado alarms test scenarios.json
    """
    report = run_file(_read(file), seed)
    if output is Format.JSON:
        print_json(document(report))
    else:
        for difference in report.differences:
            print(_line(difference))
        scenarios = trn("{n} scenario", "{n} scenarios", report.scenarios)
        runs = trn("{n} run", "{n} runs", report.runs)
        differ = trn("{n} differs", "{n} differ", len(report.differences))
        print(tr("{scenarios}, {runs}, {differ}", scenarios=scenarios, runs=runs, differ=differ))
    if report.differences:
        raise typer.Exit(1)


def document(report: Report) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "scenarios": report.scenarios,
        "runs": report.runs,
        "differ": len(report.differences),
        "differences": [
            {
                "scenario": d.scenario,
                "mode": d.mode,
                "what": d.what,
                "number": d.number,
                "expected": None if d.expected is None else list(d.expected),
                "got": None if d.got is None else list(d.got),
                "problem": d.problem or None,
            }
            for d in report.differences
        ],
    }


def _line(difference: Difference) -> str:
    """Return a difference as one line."""
    scenario = f"{difference.scenario} ({difference.mode})"
    if difference.problem:
        return f"{scenario}: {'; '.join(difference.problem.splitlines())}"
    return tr(
        "{scenario}: {what} {number}: expected {expected}, got {got}",
        scenario=scenario,
        what=tr(_WHAT.get(difference.what, difference.what)),
        number=difference.number,
        expected=_row(difference.expected),
        got=_row(difference.got),
    )


def _row(row: Row | None) -> str:
    return tr("no more rows") if row is None else "[" + ", ".join(str(x) for x in row) + "]"


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AlarmScenarioError(Sentence("{file} does not exist", file=file)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise AlarmScenarioError(Sentence("{file} cannot be read: {error}", file=file, error=error)) from error
    except (ValueError, RecursionError) as error:
        raise AlarmScenarioError(Sentence("{file} is not valid JSON: {error}", file=file, error=error)) from error
    if not isinstance(found, dict):
        raise AlarmScenarioError(Sentence("{file} is not an object with scenarios", file=file))
    return found  # pyright: ignore[reportUnknownVariableType]  # a list out of JSON
