"""Makes what `[store]` names in InfluxDB, as `kado store init` does."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facility.errors import ConfigError, UnreachableError, UsageError
from facility.profile import Profile
from facility.schema import DERIVED_SUFFIX
from facility.time import NS_PER_DAY
from kado.config import Configuration, InfluxSettings
from kado.queries.identity import identity
from storage.influxdb.administration import Administration, BucketOutcome, Found
from storage.influxdb.client import MINUTES_SUFFIX, InfluxClient


@dataclass(frozen=True, slots=True)
class Setup:
    """What is there now."""

    url: str
    org: str
    buckets: tuple[BucketOutcome, ...]
    token_file: Path | None
    """Where the token for these buckets is; None: it was not asked for."""
    token_made: bool
    """False: it was there, and sees the buckets."""

    @property
    def differing(self) -> tuple[BucketOutcome, ...]:
        """Buckets that keep samples for another time than the configuration says."""
        return tuple(bucket for bucket in self.buckets if bucket.found is Found.DIFFERS)


def set_up(
    configuration: Configuration, *, token_file: Path | None, token_env: str | None, write: bool, update: bool
) -> Setup:
    """Make the buckets, and with `write` a token for them; see `kado store init`.

    Raises
    ------
    UsageError
        If the store needs no setting up, or there is no token to do it with, or no file for the new one.
    UnreachableError, AuthorizationError
        If the server does not answer, lacks the organisation, or refuses the token.
    """
    store = configuration.store
    if not isinstance(store, InfluxSettings):
        raise UsageError(f"the store of {configuration.path} is embedded: it needs no setting up, kado run makes it")
    if write and store.token_file is None:
        raise UsageError(
            f"the token of {configuration.path} comes from {store.token_source}: there is no file to write it to;"
            " give the store a token_file, or make the token with: influx auth create"
        )
    token, source = _operator_token(configuration, store, token_file, token_env)
    with _client(store, store.bucket, token, source) as client:
        administration = Administration(client)
        wanted = [
            (store.bucket, store.retention_days, "samples of kado"),
            (store.bucket + MINUTES_SUFFIX, store.minutes_retention_days, "what each minute of them comes to"),
        ]
        if configuration.published:
            wanted.append((store.bucket + DERIVED_SUFFIX, None, "figures, events, beam state and plan, for Grafana"))
        buckets = tuple(
            administration.ensure_bucket(
                name, None if days is None else days * NS_PER_DAY, update=update, description=description
            )
            for name, days, description in wanted
        )
        path = configuration.folder / store.token_file if write and store.token_file is not None else None
        made = path is not None and _ensure_token(administration, configuration, store, buckets, path)
    return Setup(store.url, store.org, buckets, path, made)


def _operator_token(
    configuration: Configuration, store: InfluxSettings, token_file: Path | None, token_env: str | None
) -> tuple[str, str]:
    """Return a token and where it came from."""
    if token_file is not None and token_env is not None:
        raise UsageError("give the operator token by one of --operator-token-file and --operator-token-env")
    if token_file is None and token_env is None:
        return store.token(configuration.folder, os.environ), store.token_source
    if token_env is not None:
        source, text = f"the environment variable {token_env}", os.environ.get(token_env, "")
    else:
        source = str(token_file)
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{source} (--operator-token-file) cannot be read: {error}") from error
    if not (token := text.strip()):
        raise ConfigError(f"{source} holds no token: put one there that may make buckets")
    return token, source


def _ensure_token(
    administration: Administration,
    configuration: Configuration,
    store: InfluxSettings,
    buckets: tuple[BucketOutcome, ...],
    path: Path,
) -> bool:
    """Write a token for the buckets; return False if one is there that sees them."""
    try:
        # Taken before the token is made: a secret that nobody can keep must not come to be.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        _check_token(configuration, store, buckets, path)
        return False
    except OSError as error:
        raise ConfigError(f"{path} (store.token_file) cannot be written: {error.strerror}") from error
    names = ", ".join(bucket.name for bucket in buckets)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            token = administration.make_token([b.id for b in buckets], f"kado, facility {configuration.profile.id}")
            opened.write(f"{token}\n")
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise ConfigError(f"{path} cannot be written ({error.strerror}); a token for {names} was made") from error
        raise
    return True


def _check_token(
    configuration: Configuration, store: InfluxSettings, buckets: tuple[BucketOutcome, ...], path: Path
) -> None:
    token = store.token(configuration.folder, os.environ)
    for bucket in buckets:
        with _client(store, bucket.name, token, store.token_source) as client:
            try:
                client.bucket_info()
            except UnreachableError as error:
                if error.retryable:
                    raise
                raise ConfigError(
                    f"{path} holds a token that does not see bucket {bucket.name!r}, and is not overwritten:"
                    " move it away, and give the command again"
                ) from error


@contextmanager
def _client(store: InfluxSettings, bucket: str, token: str, source: str) -> Generator[InfluxClient]:
    client = InfluxClient(store.url, store.org, bucket, token, token_source=source, timeout_s=store.timeout_s)
    try:
        yield client
    finally:
        client.close()


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
