"""What the running service leaves in the data directory for commands: its configuration, its notices, its page."""

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any, Final

from facility.definition import load_definition
from facility.errors import KadoError
from kado.config import Configuration
from kado.stores import running_pid
from storage.data_dir import DataDir, open_private

STARTED: Final = "service.json"
"""With which configuration it was started."""
NOTICES: Final = "notices.json"
"""What its connections do not promise; `kado.service.source_notices` writes it."""


def changed_since_start(configuration: Configuration) -> tuple[str, ...]:
    """Return the tables of kado.toml, the profile and the definition that the running service has in an older form.

    Nothing where no service runs, or it left no record.
    """
    pid = running_pid(configuration)
    path = DataDir(configuration.data_dir).path / STARTED
    try:
        row: Any = json.loads(path.read_text(encoding="utf-8"))
        started: dict[str, str] = dict(row["parts"])
        of_pid = str(row["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    if pid is None or pid != of_pid:
        return ()
    now = parts_of(configuration)
    return tuple(name for name in dict.fromkeys((*now, *started)) if now.get(name) != started.get(name))


def write_started(configuration: Configuration) -> None:
    """Record what this process was started with, so that others notice what is changed under it.

    A disk that takes nothing is no reason not to run: then nothing is noticed.
    """
    path = DataDir(configuration.data_dir).path / STARTED
    part = path.with_suffix(".part")
    try:
        with open(part, "w", encoding="utf-8", opener=open_private) as file:
            json.dump({"pid": os.getpid(), "parts": parts_of(configuration)}, file)
        part.replace(path)
    except OSError:
        path.unlink(missing_ok=True)


def parts_of(configuration: Configuration) -> dict[str, str]:
    """Return a checksum of each part that decides on what the service does."""
    parts: dict[str, str] = {
        name: _checksum(json.dumps(value, sort_keys=True))
        for name, value in configuration.settings.model_dump(mode="json").items()
        if name != "data_dir"
    }
    parts["profile"] = _checksum(configuration.profile.model_dump_json())
    try:
        definition = load_definition(configuration.profile.definition, configuration.folder)
    except KadoError:
        return parts
    parts["definition"] = _checksum(definition.model_dump_json())
    return parts


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_source_notices(configuration: Configuration, pid: str | None) -> dict[str, tuple[str, ...]]:
    """Return the notices of each source that has some; nothing where no service runs.

    Parameters
    ----------
    pid
        Of the running service; None: none runs.
    """
    path = DataDir(configuration.data_dir).path / NOTICES
    try:
        row: Any = json.loads(path.read_text(encoding="utf-8"))
        if pid is None or str(row["pid"]) != pid:
            return {}
        return {str(source): tuple(map(str, texts)) for source, texts in row["sources"].items() if texts}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


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
