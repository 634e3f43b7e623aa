"""Opens what is kept, as the configuration says."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager

from facility.errors import ConfigError, UsageError
from facility.profile import Profile
from facility.time import Clock
from kado.config import Configuration, InfluxSettings
from storage.data_dir import DataDir
from storage.embedded.archive.swap import Provenance
from storage.embedded.store import EmbeddedStore
from storage.embedded.translate_errors import translate_errors
from storage.influxdb.client import InfluxClient
from storage.influxdb.store import InfluxStore
from storage.store import TelemetryStore


@contextmanager
def open_store(configuration: Configuration) -> Generator[TelemetryStore]:
    """Open the store for reading, beside whoever writes.

    Raises
    ------
    ConfigError
        If nothing was collected yet, the data directory is another facility's, or there is no token.
    UnreachableError
        If its server does not answer.
    """
    store = make_store(configuration)
    try:
        yield store
    finally:
        store.close()


def make_store(configuration: Configuration) -> TelemetryStore:
    """Return the store for reading; whoever calls closes it."""
    if isinstance(configuration.store, InfluxSettings):
        s = configuration.store
        token = s.token(configuration.folder, os.environ)
        return InfluxStore(
            s.url,
            s.org,
            s.bucket,
            token,
            configuration.profile.id,
            timeout_s=s.timeout_s,
            token_source=s.token_source,
        )

    return EmbeddedStore(configuration.data_dir, configuration.profile.id)


@contextmanager
def open_for_care(configuration: Configuration, clock: Clock) -> Generator[EmbeddedStore]:
    """Open the embedded store for writing, which needs that no other kado runs.

    Raises
    ------
    UsageError
        If the store is InfluxDB.
    LockedError
        If another process holds the data directory, naming its pid.
    ConfigError
        If nothing was collected yet.
    """
    if isinstance(configuration.store, InfluxSettings):
        raise UsageError(
            f"store.kind is 'influxdb': bucket {configuration.store.bucket!r} looks after its own files; this is for"
            " the embedded store"
        )

    if not (telemetry := DataDir(configuration.data_dir).telemetry).is_file():
        raise ConfigError(
            f"there is no {telemetry}: nothing was collected there yet; start `kado run`, or correct data_dir"
        )
    with translate_errors(configuration.data_dir):
        store = EmbeddedStore(
            configuration.data_dir,
            configuration.profile.id,
            read_only=False,
            archive=configuration.archive,
            clock=clock,
        )
    try:
        yield store
    finally:
        store.close()


def provenance_of(profile: Profile) -> Provenance:
    """Return what sealed files say of where their samples come from."""
    units = {signal.id: signal.unit for signal in profile.signals if signal.unit}
    return Provenance(simulated=profile.simulated, units=units)


def running_pid(configuration: Configuration) -> str | None:
    """Return the pid of the kado that runs on the data directory; None if none does."""
    try:
        with DataDir(configuration.data_dir).lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return DataDir(configuration.data_dir).lock.read_text().strip()
    except FileNotFoundError:
        return None
    return None


def make_influx_client(configuration: Configuration, store: InfluxSettings) -> InfluxClient:
    """Return a client for the bucket; whoever calls closes it."""
    token = store.token(configuration.folder, os.environ)
    return InfluxClient(
        store.url, store.org, store.bucket, token, token_source=store.token_source, timeout_s=store.timeout_s
    )
