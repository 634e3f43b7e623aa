"""Records with which configuration the service was started."""

import json
import os

from kado.config import Configuration
from kado.queries.running_configuration import RECORD, parts_of
from storage.data_dir import DataDir, open_private


def write_started(configuration: Configuration) -> None:
    """Record what this process was started with, so that others notice what is changed under it.

    A disk that takes nothing is no reason not to run: then nothing is noticed.
    """
    path = DataDir(configuration.data_dir).path / RECORD
    part = path.with_suffix(".part")
    try:
        with open(part, "w", encoding="utf-8", opener=open_private) as file:
            json.dump({"pid": os.getpid(), "parts": parts_of(configuration)}, file)
        part.replace(path)
    except OSError:
        path.unlink(missing_ok=True)
