"""Where the page of the running kado is, as the service wrote it."""

import json
from dataclasses import dataclass
from typing import Any

from kado.config import Configuration
from storage.data_dir import DataDir


@dataclass(frozen=True, slots=True)
class PageState:
    """The page of the running kado."""

    address: str | None
    """Such as ``http://127.0.0.1:8420/``; None: it is not served."""
    problem: str | None
    """Why it is not served."""


def load_page_state(configuration: Configuration) -> PageState | None:
    """Return the page's state; None where there is no ``[page]``, or no service has served one yet."""
    if configuration.settings.page is None:
        return None
    try:
        document = json.loads(DataDir(configuration.data_dir).page.read_text(encoding="utf-8"))
        return PageState(document["address"], document["problem"])
    except (OSError, ValueError, KeyError):
        return None


def page_document(state: PageState | None) -> dict[str, Any] | None:
    """Return the same for programs."""
    return None if state is None else {"address": state.address, "problem": state.problem}
