"""What the connections of the running service do not promise, as the service wrote it."""

import json
from typing import Any, Final

from kado.config import Configuration
from storage.data_dir import DataDir

RECORD: Final = "notices.json"
"""File in the data directory; `kado.service.source_notices` writes it."""


def load_source_notices(configuration: Configuration, pid: str | None) -> dict[str, tuple[str, ...]]:
    """Return the notices of each source that has some; nothing where no service runs.

    Parameters
    ----------
    pid
        Of the running service; None: none runs.
    """
    path = DataDir(configuration.data_dir).path / RECORD
    try:
        row: Any = json.loads(path.read_text(encoding="utf-8"))
        if pid is None or str(row["pid"]) != pid:
            return {}
        return {str(source): tuple(map(str, texts)) for source, texts in row["sources"].items() if texts}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
