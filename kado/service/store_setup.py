"""``kado store init``: makes what ``[store]`` names in InfluxDB."""

import os
from pathlib import Path
from typing import Any

from facility.errors import ConfigError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from kado.config import Configuration
from kado.queries.identity import identity
from storage.provisioning import Setup, SetupRequest


def set_up(
    configuration: Configuration, *, token_file: Path | None, token_env: str | None, write: bool, update: bool
) -> Setup:
    """Make the buckets, and with `write` a token for them; errors as `storage.backend.StoreBackend.set_up`."""
    if token_file is not None and token_env is not None:
        raise UsageError(Sentence("give the operator token by one of --operator-token-file and --operator-token-env"))
    given = token_file is not None or token_env is not None
    operator = (lambda: _operator_token(token_file, token_env)) if given else None
    return configuration.backend.set_up(SetupRequest(operator, write, update))


def _operator_token(token_file: Path | None, token_env: str | None) -> tuple[str, str]:
    """Return the given token and its origin for messages."""
    if token_file is None:
        source, text = f"the environment variable {token_env}", os.environ.get(token_env or "", "")
    else:
        source = str(token_file)
        try:
            text = token_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                Sentence("{source} (--operator-token-file) cannot be read: {error}", source=source, error=error)
            ) from error
    if not (token := text.strip()):
        raise ConfigError(Sentence("{source} holds no token: put one there that may make buckets", source=source))
    return token, source


def setup_document(profile: Profile, setup: Setup) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        **identity(profile),
        "url": setup.url,
        "org": setup.org,
        "buckets": [
            {
                "name": bucket.name,
                "state": bucket.found.name.lower(),
                "retention_s": _seconds(bucket.wanted_ns),
                "found_retention_s": _seconds(bucket.before_ns),
            }
            for bucket in setup.buckets
        ],
        "token_file": None if setup.token_file is None else str(setup.token_file),
        "token_made": setup.token_made,
    }


def _seconds(ns: int | None) -> int | None:
    return None if ns is None else ns // 1_000_000_000
