"""Libraries of control systems are optional: the error for a missing one names the extra that installs it."""

from importlib import import_module
from typing import Any

from facility.errors import MissingExtraError
from facility.sentence import Sentence


def load_library(module: str, extra: str, source_id: str, kind: str) -> Any:
    """Return a library that only one kind of source needs.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            Sentence(
                "source {source_id}: kind {kind!r} needs the library {module}, which is not "
                'installed ({error}): pip install "kado[{extra}]"',
                source_id=source_id,
                kind=kind,
                module=module,
                error=error,
                extra=extra,
            )
        ) from error
