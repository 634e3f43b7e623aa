"""Templates: one layout, texts of the catalogue, everything escaped."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from facility.accounts import Permission
from facility.text import SIMULATED
from facility.written_text import LONGEST_EVIDENCE, LONGEST_LINE, LONGEST_REMARK, LONGEST_TEXT
from kado.language import LANGUAGES, language, term, tr, trn, words
from kado.output import local
from kado.page.access.visitor import role_word, visitor_of
from kado.page.assets import Assets
from kado.page.context import context_of
from kado.page.navigation import navigation
from kado.page.preferences import theme_of
from kado.rounding import count

FOLDER: Final = Path(__file__).parent / "templates"
_LONGEST: Final = {
    "text": LONGEST_TEXT,
    "remark": LONGEST_REMARK,
    "evidence": LONGEST_EVIDENCE,
    "line": LONGEST_LINE,
}
_SHOWN: Final = 300
"""Characters of a text in a list; the rest is folded."""
_SHOWN_LINES: Final = 4


def make_environment(assets: Assets) -> Environment:
    """Return the templates, with what all of them may call."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def icon(name: str, label: str = "") -> Markup:
        said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
        shape = Markup('<svg class="icon" viewBox="0 0 16 16" {}><use href="{}#{}"></use></svg>')
        return shape.format(said, assets.address("icons.svg"), name)

    shared: dict[str, Any] = {
        "asset": assets.address,
        "icon": icon,
        "live": live,
        "longest": longest,
        "long_text": long_text,
        "role_word": role_word,
        "term": term,
        "tr": tr,
        "trn": trn,
        "words": words,
    }
    environment.globals.update(shared)  # pyright: ignore[reportUnknownMemberType]  # jinja2 has no type for it
    return environment


def render(
    request: Request,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return a view, in the viewer's language.

    Every template has beside `values`: ``profile``, ``language``, ``theme``, ``navigation``, ``simulated``,
    ``now_text``, ``viewer`` (who is logged in; None: nobody), ``visitor`` (what they may do), ``here`` (the path), and
    the functions ``tr``, ``trn``, ``words``, ``term``, ``asset``, ``icon``, ``live``, ``address_with``, ``role_word``.
    """
    context = context_of(request)
    environment: Environment = request.app.state.templates
    profile = context.profile
    paths = request.app.state.paths
    if not (profile.simulated and visitor_of(request).may(Permission.INJECT)):
        paths -= {"/simulator"}
    has_alarms = context.configuration.settings.alarms is not None
    if not has_alarms:
        paths -= {"/alarms"}
    text = environment.get_template(template).render(
        {
            "profile": profile,
            "language": language(),
            "languages": LANGUAGES,
            "theme": theme_of(request),
            "navigation": navigation(paths, request.url.path),
            "simulated": words(SIMULATED) if profile.simulated else "",
            "now_text": local(context.clock(), profile.zone),
            "address_with": _address_with(request),
            "version": request.app.state.version,
            "viewer": getattr(request.state, "viewer", None),
            "visitor": visitor_of(request),
            "here": request.url.path,
            "alarms_path": "/alarms" if has_alarms else "/",
            **(values or {}),
        }
    )
    return HTMLResponse(text, status, headers)


def live(slot: str, text: str = "") -> Markup:
    """Return a text that the stream of events keeps current."""
    return Markup('<span data-live="{}">{}</span>').format(slot, text)


def longest(kind: str) -> Markup:
    """Return the attributes of a field by which the browser says that a text is too long, and cuts nothing."""
    most = _LONGEST[kind]
    too_long = tr("{n} characters, more than the {most} that are recorded", n="{n}", most=count(most))
    return Markup('data-longest="{}" data-too-long="{}"').format(most, too_long)


def long_text(text: str, before: str = "") -> Markup:
    """Return a text of a list behind the words `before`; a long one is folded, all of it can be opened."""
    lines = text.split("\n")
    start = "\n".join(lines[:_SHOWN_LINES])[:_SHOWN]
    if start == text:
        return Markup("{}{}").format(before, text)
    summary = tr("all {n} characters", n=count(len(text)))
    beginning = Markup('{}<span class="start">{} …</span> ').format(before, start.rstrip())
    folded = '<details class="long"><summary>{}</summary><div class="reason">{}</div></details>'
    return beginning + Markup(folded).format(summary, text)


def _address_with(request: Request) -> Callable[..., str]:
    """Return a function that gives the address of this view with options changed."""
    own = {k: v for k, v in request.query_params.items() if k not in ("lang", "theme")}

    def address_with(**options: str) -> str:
        return f"{request.url.path}?{urlencode(own | options)}"

    return address_with
