"""All routes of the page, view by view; a new view is added here and nowhere else."""

from typing import Final

from starlette.routing import BaseRoute

from kado.page.routes import (
    alarms,
    api,
    calendar,
    events_stream,
    explain,
    history,
    login,
    now,
    record,
    reports,
    shift,
    simulator,
)

ROUTES: Final[tuple[BaseRoute, ...]] = (
    *now.ROUTES,
    *alarms.ROUTES,
    *history.ROUTES,
    *explain.ROUTES,
    *calendar.ROUTES,
    *record.ROUTES,
    *shift.ROUTES,
    *reports.ROUTES,
    *simulator.ROUTES,
    *login.ROUTES,
    *api.ROUTES,
    *events_stream.ROUTES,
)
