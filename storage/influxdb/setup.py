"""Makes the buckets that ``[store]`` names in InfluxDB, and a token for them."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from facility.errors import ConfigError, UnreachableError, UsageError
from facility.schema import DERIVED_SUFFIX
from facility.sentence import Sentence
from facility.time import NS_PER_DAY
from storage.backends import InfluxOptions
from storage.data_dir import sync_file
from storage.influxdb.administration import Administration
from storage.influxdb.client import MINUTES_SUFFIX, InfluxClient
from storage.provisioning import BucketOutcome, Setup, SetupRequest


def set_up(options: InfluxOptions, facility: str, request: SetupRequest, configured_in: Path) -> Setup:
    """Make the buckets, and a token for them if asked for; see `storage.backend.StoreBackend.set_up`."""
    if request.write_token and options.token_file is None:
        raise UsageError(
            Sentence(
                "the token of {configured_in} comes from {token_source}: there is no file to write "
                "it to; give the store a token_file, or make the token with: influx auth create",
                configured_in=configured_in,
                token_source=options.token_source,
            )
        )
    token, source = (options.token(), options.token_source) if request.operator is None else request.operator()
    with _client(options, options.bucket, token, source) as client:
        administration = Administration(client)
        wanted = [
            (options.bucket, options.retention_days, "samples of kado"),
            (options.bucket + MINUTES_SUFFIX, options.minutes_retention_days, "what each minute of them comes to"),
        ]
        if options.derived:
            wanted.append((options.bucket + DERIVED_SUFFIX, None, "figures, events, beam state and plan, for Grafana"))
        buckets = tuple(
            administration.ensure_bucket(
                name, None if days is None else days * NS_PER_DAY, update=request.update, description=description
            )
            for name, days, description in wanted
        )
        path = options.token_file if request.write_token else None
        made = path is not None and _ensure_token(administration, options, facility, buckets, path)
    _try_queries(options, buckets, token, source)
    return Setup(options.url, options.org, buckets, path, made)


def _ensure_token(
    administration: Administration,
    options: InfluxOptions,
    facility: str,
    buckets: tuple[BucketOutcome, ...],
    path: Path,
) -> bool:
    """Write a token for the buckets; return False if one is there that sees them."""
    try:
        # The file comes first: a token that cannot be written down must not be made.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        _check_token(options, buckets, path)
        return False
    except OSError as error:
        raise ConfigError(
            Sentence("{path} (store.token_file) cannot be written: {reason}", path=path, reason=error.strerror)
        ) from error
    names = ", ".join(bucket.name for bucket in buckets)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            token = administration.make_token([b.id for b in buckets], f"kado, facility {facility}")
            opened.write(f"{token}\n")
        sync_file(path)
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise ConfigError(
                Sentence(
                    "{path} cannot be written ({reason}); a token for {names} was made",
                    path=path,
                    reason=error.strerror,
                    names=names,
                )
            ) from error
        raise
    return True


def _check_token(options: InfluxOptions, buckets: tuple[BucketOutcome, ...], path: Path) -> None:
    token = options.token()
    for bucket in buckets:
        with _client(options, bucket.name, token, options.token_source) as client:
            try:
                client.bucket_info()
            except UnreachableError as error:
                if error.retryable:
                    raise
                raise ConfigError(
                    Sentence(
                        "{path} holds a token that does not see bucket {bucket!r}, and is not overwritten: "
                        "move it away, and give the command again",
                        path=path,
                        bucket=bucket.name,
                    )
                ) from error


def _try_queries(options: InfluxOptions, buckets: tuple[BucketOutcome, ...], token: str, source: str) -> None:
    """Query each bucket with the token of the store, or with this one where the store has none yet."""
    with suppress(ConfigError):
        token, source = options.token(), options.token_source
    for bucket in buckets:
        with _client(options, bucket.name, token, source) as client:
            client.try_query()


@contextmanager
def _client(options: InfluxOptions, bucket: str, token: str, source: str) -> Generator[InfluxClient]:
    client = InfluxClient(options.url, options.org, bucket, token, token_source=source, timeout_s=options.timeout_s)
    try:
        yield client
    finally:
        client.close()
