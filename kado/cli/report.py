"""``kado report``: make, issue, verify, list."""

import os
import tempfile
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import RenderableType

from facility.errors import ProblemFoundError, ReportError
from facility.issued_report import IssuedReport
from facility.reasons import reason_of
from facility.sentence import Sentence
from facility.time import format_time
from kado.cli.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption
from kado.config import Configuration, load_configuration
from kado.language import language, tr, trn
from kado.output import local, note, print_json, show, table, title
from kado.progress import progress_bar
from kado.queries.identity import identity
from kado.report.drawing import drawing_beside, require_libraries

PeriodArgument = Annotated[
    str, typer.Argument(metavar="PERIOD", help="2026-10, 2026Q4, FY2026, START/END with offsets, or a run.")
]


class ReportForm(StrEnum):
    """What file a report becomes."""

    PDF = "pdf"
    HTML = "html"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


WITH_CHARTS: Final = (ReportForm.PDF, ReportForm.HTML, ReportForm.XLSX)


def make(
    period: PeriodArgument,
    form: Annotated[
        ReportForm | None, typer.Option("--format", help="Form of the file; default: by the end of --out, else pdf.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; default: named for facility and period, here.")
    ] = None,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
) -> None:
    r"""Make the report of a period as PDF, HTML, XLSX, CSV or JSON.

    \b
    Examples:
      kado report make 2026-10 --lang ja
      kado report 2026-10 --format xlsx --out october.xlsx
    """
    configuration = load_configuration(config)
    chosen = form or _by_name(out)
    require_libraries()
    with drawing_beside() if chosen in WITH_CHARTS else nullcontext():
        # What computes is imported while the other process gets ready to draw.
        from kado.queries.report import load_report
        from kado.report.forms import Form, render
        from kado.report.life import current_report
        from kado.report.time_sections import draw_over_time

        early = draw_over_time if chosen in WITH_CHARTS else None
        with progress_bar(tr("counting"), 1) as bar:
            inputs = load_report(
                configuration, period, definition, as_known_on, early=early, progress=bar.advance_through
            )
        report = current_report(configuration, inputs, language())
        font_dir = configuration.settings.report.font_dir
        content = render(report, Form(chosen.value), None if font_dir is None else configuration.folder / font_dir)
    asked = inputs.loaded.availability.period.id
    # A name of the same letters in every language; only a range is too long as it was asked for.
    named = report.period if "/" in asked else asked
    path = out or Path(_file_name(inputs.loaded.profile.id, named, report.language, chosen))
    write_whole(path, content)
    note(tr("{path}: {state}, {size:,} bytes", path=path, state=report.state, size=len(content)))


def _by_name(out: Path | None) -> ReportForm:
    ending = "" if out is None else out.suffix.lstrip(".").lower()
    return ReportForm(ending) if ending in list(ReportForm) else ReportForm.PDF


def _file_name(facility: str, period: str, lang: str, form: ReportForm) -> str:
    named = "".join(c if c.isalnum() or c in "-_" else "_" for c in period)
    return f"{facility}_{named}_{lang}.{form.value}"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises
    ------
    ReportError
        If it cannot be written, or would replace what is no file.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        # A device or a pipe would be replaced by a file.
        raise ReportError(
            Sentence("{path} is no file that can be replaced; choose another place with --out", path=path)
        )
    try:
        # Beside its place, under a name that is not longer than any may be.
        number, part = tempfile.mkstemp(dir=path.parent, prefix=".kado-report-")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
            os.chmod(part, 0o644)
            os.replace(part, path)  # never half a report under its name
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ReportError(
            Sentence(
                "{path} cannot be written: {reason}; choose another place with --out",
                path=path,
                reason=reason_of(error),
            )
        ) from error


def issue_report(
    period: PeriodArgument,
    author: Annotated[str, typer.Option("--author", help="Who issues it, and answers for it.")],
    definition: DefinitionOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Issue a report: freeze its figures in the journal.

    A later issue of the same period is a revision, which lists how it differs from the one before.

    \b
    Example:
      kado report issue 2026-10 --author "Mori"
    """
    configuration = load_configuration(config)
    require_libraries()
    from kado.report.life import issue

    issued, changes = issue(configuration, period, definition, author)
    if output is Format.JSON:
        document = _document(configuration, issued)
        document["changes"] = [{"path": c.path, "before": c.before, "after": c.after} for c in changes]
        print_json(document)
        return
    show(tr("Issued: edition {n} of the report of {period}.", n=issued.edition, period=issued.period))
    if changes:
        figures = [c for c in changes if ".figures." in c.path or ".counts." in c.path]
        show(trn("{n} value differs from the last edition:", "{n} values differ from the last edition:", len(changes)))
        rows = table(["figure", "before", "after"])
        for c in figures:
            rows.add_row(c.path, str(c.before), str(c.after))
        show(rows)


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that kado made, in any form.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Make a report file again and compare.

    Ends with 0 where every byte is the same, with 1 where the figures or the file differ.

    \b
    Example:
      kado report verify october.pdf
    """
    configuration = load_configuration(config)
    require_libraries()
    from kado.report.life import verify_file

    found = verify_file(configuration, file)
    if output is Format.JSON:
        print_json(
            {
                **identity(configuration.profile, definition=found.stamp.definition),
                "report": found.stamp.period,
                "edition": found.stamp.edition,
                "identical": found.identical,
                "same_figures": found.same_figures,
                "changed": list(found.changed),
            }
        )
    elif found.identical:
        show(tr("{file} is identical to what kado makes today.", file=file))
    if not found.identical:
        raise ProblemFoundError(_difference(file, found.same_figures, found.changed))


def _difference(file: Path, same_figures: bool, changed: tuple[str, ...]) -> str:
    names = {
        "kado": tr("the version of kado"),
        "profile": tr("the profile or the definition"),
        "schedule": tr("the schedule"),
        "journal": tr("corrections or incidents"),
        "data": tr("the samples"),
    }
    since = ", ".join(names[c] for c in changed)
    if not same_figures:
        reason = tr("changed since: {what}", what=since) if since else tr("the file was edited")
        return tr("{file}: the figures differ from those that kado computes now; {reason}", file=file, reason=reason)
    if since:
        return tr("{file}: the figures are the same, the file differs; changed since: {what}", file=file, what=since)
    return tr("{file}: the file was edited after kado made it", file=file)


def list_reports(
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List the reports that were issued.

    \b
    Example:
      kado report list
    """
    configuration = load_configuration(config)
    require_libraries()
    from kado.report.life import editions

    issued = editions(configuration)
    if output is Format.JSON:
        reports = [_document(configuration, r) for r in issued]
        print_json({**identity(configuration.profile), "reports": reports})
        return
    show(*_listed(configuration, issued))


def _listed(configuration: Configuration, issued: list[IssuedReport]) -> list[RenderableType]:
    profile = configuration.profile
    rows = table(
        order=[tr("period"), tr("definition"), tr("edition"), tr("issued"), tr("author"), tr("availability %")],
        right=[tr("edition"), tr("availability %")],
    )
    for r in issued:
        pct = r.document["availability"]["figures"]["availability_pct"]
        at = local(r.recorded_at_ns, profile.zone)
        rows.add_row(r.period, r.definition, str(r.edition), at, r.author, "–" if pct is None else f"{pct:.3f}")
    body: RenderableType = rows if issued else tr("No report was issued yet.")
    return [title(profile, tr("issued reports")), body]


def _document(configuration: Configuration, issued: IssuedReport) -> dict[str, object]:
    zone = configuration.profile.zone
    return {
        **identity(configuration.profile, definition=issued.definition),
        "period": {
            "id": issued.period,
            "start": format_time(issued.start_ns, zone),
            "end": format_time(issued.end_ns, zone),
        },
        "edition": issued.edition,
        "author": issued.author,
        "issued_at": format_time(issued.recorded_at_ns, zone),
        "figures_digest": issued.figures_digest,
    }
