"""The HTML of the view Now: the same templates for the first view and for what the stream changes in it."""

import re
from collections.abc import Callable
from typing import Any, Final

from jinja2 import Environment
from markupsafe import Markup, escape

from kado.language import language, term, tr, trn, words
from kado.language.sentences import sentence_text
from kado.page.now_words import Shown, budget_hours, length, period_rows, short_time

_TEXT_PLACE: Final = re.compile(r'data-live="([^"]+)"[^>]*>(?=</)')
_STATE_PLACE: Final = re.compile(r'data-state-of="([^"]+)"')
FRAGMENTS: Final = ("figures", "plan", "signals", "sources", "ports", "alarms", "problems")


def fragments_of(environment: Environment) -> Callable[[dict[str, Any], Shown], dict[str, str]]:
    """Return a function that makes the fragments of a document, in the language of now."""

    def fragments(document: dict[str, Any], shown: Shown) -> dict[str, str]:
        del shown  # texts are put in by the browser, so that a fragment stays the same while only they change
        return render_fragments(environment, document)

    return fragments


def render_fragments(environment: Environment, document: dict[str, Any]) -> dict[str, str]:
    """Return each fragment of a document."""
    values = view_values(document)
    return {name: environment.get_template(f"now/{name}.html").render(values) for name in FRAGMENTS}


def filled(fragments: dict[str, str], texts: dict[str, str], states: dict[str, str]) -> dict[str, Markup]:
    """Return fragments with their texts put in, for the first view."""

    def live(match: re.Match[str]) -> str:
        return f"{match[0]}{escape(texts.get(match[1], ''))}"

    def state(match: re.Match[str]) -> str:
        return f'{match[0]} data-state="{escape(states.get(match[1], ""))}"'

    return {
        name: Markup(_STATE_PLACE.sub(state, _TEXT_PLACE.sub(live, fragment))) for name, fragment in fragments.items()
    }


def in_words(sentence: dict[str, Any] | None, text: str) -> str:
    """Return a problem of a document in the language of now; as `text` has it in English where it has no sentence."""
    return sentence_text(sentence) or text


def view_values(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the templates of the view need beside the functions of all templates."""

    def short(iso: str) -> str:
        return short_time(iso, document["time"])

    return {
        "document": document,
        "language": language(),
        "rows": period_rows(document),
        "budget_hours": budget_hours,
        "short_time": short,
        "length": length,
        "in_words": in_words,
        "tr": tr,
        "trn": trn,
        "term": term,
        "words": words,
    }
