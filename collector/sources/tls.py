"""Verify the server of a source by its certificate."""

import ssl
from pathlib import Path

from facility.errors import ConfigError
from facility.sentence import Sentence


def tls_context(source_id: str, ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that verifies a server by `ca_file`, or by the authorities of the system where that is None.

    Raises
    ------
    ConfigError
        If `ca_file` cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(
            Sentence(
                "source {id}: ca_file {ca_file} cannot be read: {error}", id=source_id, ca_file=ca_file, error=error
            )
        ) from error
