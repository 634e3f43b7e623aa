"""Records what the present connections do not promise, so that `kado status` shows it."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from typing import Final

from collector.source_status import SourceStatus
from kado.config import Configuration
from kado.queries.running_service import NOTICES
from storage.data_dir import DataDir, open_private

_LOOK_S: Final = 1.0


class NoticeRecord:
    """Writes the notices of all sources whenever they change, and once at the start.

    Parameters
    ----------
    status
        Returns how each source stands; does not wait.
    """

    def __init__(self, configuration: Configuration, status: Callable[[], Mapping[str, SourceStatus]]) -> None:
        self._path = DataDir(configuration.data_dir).path / NOTICES
        self._status = status

    async def run(self) -> None:
        """Look at the sources until cancelled."""
        written: dict[str, list[str]] | None = None
        while True:
            found = {source: [text for text, _ in one.notices] for source, one in self._status().items()}
            if found != written and await asyncio.to_thread(self._write, found):
                written = found
            await asyncio.sleep(_LOOK_S)

    def _write(self, found: dict[str, list[str]]) -> bool:
        # A disk that takes nothing is tried again, and no reason not to collect.
        part = self._path.with_suffix(".part")
        try:
            with open(part, "w", encoding="utf-8", opener=open_private) as file:
                json.dump({"pid": os.getpid(), "sources": found}, file, ensure_ascii=False)
            part.replace(self._path)
        except OSError:
            return False
        return True
