"""Reports: those that were issued, the drafts, and making or issuing one."""

import re
from functools import partial
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from facility.accounts import Permission
from facility.errors import MissingExtraError, UsageError
from facility.issued_report import IssuedReport
from facility.neighbouring_periods import period_before
from facility.period import month_of
from facility.sentence import Sentence
from kado.config import Configuration
from kado.language import language, tr
from kado.language.sentences import error_text
from kado.output import local
from kado.page.access.visitor import require
from kado.page.api.endpoint import read_options
from kado.page.context import context_of
from kado.page.forms import text_of
from kado.page.once import done_of, redirect_done, show_once
from kado.page.refusals import status_of
from kado.page.rendering import render
from kado.queries.drafts import Draft, load_drafts
from kado.rounding import percent

FORMS: Final = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


async def show_reports(request: Request) -> Response:
    """List the reports that were issued, and the drafts."""
    return await _shown(request)


async def make(request: Request) -> Response:
    """Return the report of a period as a file."""
    require(request, Permission.READ)
    options = read_options(request, ("period", "format", "lang"))
    context, form, period = context_of(request), options.get("format", "pdf"), options.get("period", "").strip()
    if form not in FORMS:
        raise HTTPException(404, tr("There is no report in the form {form}.", form=form[:20]))
    key = ("report", period, form, language())
    content = await context.reader.answer(key, partial(_made, context.configuration, period, form, language()))
    named = re.sub(r"[^A-Za-z0-9_-]", "_", period)[:80]
    name = f"{context.profile.id}_{named}_{language()}.{form}"
    return Response(content, media_type=FORMS[form], headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def draft(request: Request) -> Response:
    """Return the draft of a month, by its period; names of files are never taken from a request."""
    require(request, Permission.READ)
    context, period = context_of(request), request.path_params["period"]
    content = await context.reader.write(partial(_draft, context.configuration, period))
    if content is None:
        raise HTTPException(404, tr("There is no draft of {period}.", period=period[:40]))
    found, data = content
    form = found.path.suffix.lstrip(".")
    headers = {"Content-Disposition": f'attachment; filename="{context.profile.id}_{found.period}_draft.{form}"'}
    return Response(data, media_type=FORMS.get(form, "application/octet-stream"), headers=headers)


async def issue_report(request: Request) -> Response:
    """Issue the report of a period."""
    visitor, context = require(request, Permission.ISSUE), context_of(request)
    form = await request.form()
    period = text_of(form, "period").strip()
    try:
        issued = await context.reader.write(partial(_issue, context.configuration, period, visitor.name or ""))
    except UsageError as error:
        return await _shown(request, problem=error_text(error), period=period, status=status_of(error))
    context.reader.forget()
    return redirect_done("/reports", "/reports", issued.period)


def _made(configuration: Configuration, period: str, form: str, lang: Any) -> bytes:
    try:
        from kado.queries.report import load_report
        from kado.report.forms import Form
        from kado.report.forms import render as render_report
        from kado.report.life import current_report
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    font_dir = configuration.settings.report.font_dir
    report = current_report(configuration, load_report(configuration, period), lang)
    return render_report(report, Form(form), None if font_dir is None else configuration.folder / font_dir)


def _issue(configuration: Configuration, period: str, author: str) -> IssuedReport:
    try:
        from kado.report.life import issue
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return issue(configuration, period, None, author)[0]


def _missing(error: ModuleNotFoundError) -> MissingExtraError:
    return MissingExtraError(
        Sentence("reports need {error}, which is not installed: pip install 'kado[report]'", error=error.name)
    )


def _draft(configuration: Configuration, period: str) -> tuple[Draft, bytes] | None:
    found = next((d for d in load_drafts(configuration) if d.period == period), None)
    return None if found is None else (found, found.path.read_bytes())


def _listed(configuration: Configuration) -> list[IssuedReport]:
    try:
        from kado.report.life import editions
    except ModuleNotFoundError:
        return []
    return editions(configuration)[::-1]


async def _shown(request: Request, *, problem: str = "", period: str = "", status: int = 200) -> Response:
    context = context_of(request)
    profile, zone = context.profile, context.profile.zone
    issued = await context.reader.write(partial(_listed, context.configuration))
    drafts = await context.reader.write(partial(load_drafts, context.configuration))
    last = period_before(month_of(context.clock(), zone), zone, profile.fiscal_year_starts_in)
    values = {
        "issued": [
            {
                "period": r.period,
                "definition": r.definition,
                "edition": r.edition,
                "author": r.author,
                "at": local(r.recorded_at_ns, zone),
                "availability": _availability(r),
                "digest": r.figures_digest[:16],
            }
            for r in issued
        ],
        "drafts": [
            {"period": d.period, "made": local(d.made_at_ns, zone), "until": d.open_until.isoformat()}
            for d in drafts[::-1]
        ],
        "forms": list(FORMS),
        "period": period or (last.id if last is not None else ""),
        "problem": problem,
        "done": done_of(request),
    }
    return show_once(render(request, "reports.html", values, status=status), request, "/reports")


def _availability(report: IssuedReport) -> str:
    figures = report.document.get("availability", {}).get("figures", {})
    return f"{percent(figures.get('availability_pct'), 2)} %"


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/reports", show_reports, name="reports"),
    Route("/reports/make", make),
    Route("/reports/issue", issue_report, methods=["POST"]),
    Route("/reports/draft/{period}", draft),
)
