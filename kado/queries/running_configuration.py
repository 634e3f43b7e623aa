"""With which configuration the running service was started, and what of it was changed since."""

import hashlib
import json
from typing import Any, Final

from facility.definition import load_definition
from facility.errors import KadoError
from kado.config import Configuration
from kado.stores import running_pid
from storage.data_dir import DataDir

RECORD: Final = "service.json"
"""File in the data directory; `kado.service.started` writes it."""


def changed_since_start(configuration: Configuration) -> tuple[str, ...]:
    """Return the tables of kado.toml, the profile and the definition that the running service has in an older form.

    Nothing where no service runs, or it left no record.
    """
    pid = running_pid(configuration)
    path = DataDir(configuration.data_dir).path / RECORD
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
