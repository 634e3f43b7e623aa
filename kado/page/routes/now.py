"""Now: what an operator leaves open all day; ``/?wall=1`` for a screen that is read from five metres."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from facility.schedule import Category
from kado.language import language, term, tr
from kado.page.board import board_of
from kado.page.now_view import filled, view_values
from kado.page.rendering import render


async def now(request: Request) -> Response:
    """Show how the machine stands."""
    board = board_of(request)
    document, shown = await board.document(), await board.shown(language())
    values = view_values(document) | {
        "texts": shown.texts,
        "states": shown.states,
        "fragments": filled(shown.fragments, shown.texts, shown.states),
        "chart_words": chart_words(),
    }
    return render(request, "wall.html" if request.query_params.get("wall") == "1" else "now.html", values)


def chart_words() -> dict[str, Any]:
    """Return the words that charts need."""
    return {
        "plan": tr("Plan"),
        "no_beam": tr("no beam"),
        "low_beam": tr("low beam"),
        "unknown": tr("unknown"),
        "nominal": tr("nominal"),
        "tolerance": tr("tolerance"),
        "minimum": tr("minimum"),
        "target": tr("target"),
        "categories": {category.value: term(category.value) for category in Category},
    }


ROUTES: Final[tuple[BaseRoute, ...]] = (Route("/", now, name="now"),)
