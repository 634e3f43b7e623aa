"""``/events``: server-sent events for the page, wall displays and beamlines' scripts."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from facility.errors import UsageError
from facility.sentence import Sentence
from kado.language import LANGUAGES
from kado.language.choice import known_language
from kado.page.access.lasting import lasting, while_it_lasts
from kado.page.api.endpoint import read_options
from kado.page.board import board_of
from kado.page.channel import encode
from kado.page.refusals import refused

NOW: Final = "now"
MOST_STREAMS: Final = 900
"""Fewer than the connections of the page: who only asks still finds a place."""


async def events(request: Request) -> Response:
    """Stream events; an id given by ``Last-Event-ID`` or ``last`` continues behind that event where it is known.

    Without options the events are for programs: ``now`` each second with the document of ``/api/v1/now``, ``values``
    up to five times a second with the newest samples. ``page=ja`` gives what kado's own page shows. ``ended`` is
    the last event of a stream whose reader's session or account has ended.
    """
    board = board_of(request)
    options = read_options(request, ("last", "page", "view"))
    asked, view = options.get("page"), options.get("view")
    language = known_language(asked)
    if asked is not None and language is None:
        raise UsageError(
            Sentence(
                "page={asked!r}: kado has no such language; use {languages}",
                asked=asked,
                languages=" or ".join(LANGUAGES),
            )
        )
    if view not in (None, NOW):
        raise UsageError(
            Sentence(
                "view={view!r}: only the view {now} has texts of its own; leave the option out otherwise",
                view=view[:40],
                now=NOW,
            )
        )
    if board.viewers >= MOST_STREAMS:
        return refused(request, 503, f"{MOST_STREAMS} streams are open, which is the most: close some of them")
    channel = board.channel(language, view or "")
    last = request.headers.get("last-event-id") or options.get("last", "")
    parts = while_it_lasts(channel.follow(last), lasting(request), encode("ended", "", {}))
    return StreamingResponse(parts, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


ROUTES: Final[tuple[BaseRoute, ...]] = (Route("/events", events, name="events"),)
