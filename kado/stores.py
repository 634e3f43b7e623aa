"""Opens the store of a configuration for a block of code, and finds out whether a kado runs on its data directory."""

import fcntl
from collections.abc import Generator
from contextlib import closing, contextmanager

from facility.errors import ConfigError
from facility.sentence import Sentence
from facility.time import Clock
from kado.config import Configuration
from storage.backend import LocalStore
from storage.data_dir import DataDir
from storage.store import TelemetryStore


@contextmanager
def open_store(configuration: Configuration, *, patience_s: float | None = None) -> Generator[TelemetryStore]:
    """Open the store for reading, while another process may write; `patience_s` as for `make_store`.

    Raises
    ------
    ConfigError
        If nothing was collected yet, the data directory is another facility's, or there is no token.
    UnreachableError
        If its server does not answer.
    """
    with closing(configuration.backend.open(patience_s=patience_s)) as store:
        yield store


@contextmanager
def open_for_maintenance(configuration: Configuration, clock: Clock) -> Generator[LocalStore]:
    """Open the embedded store for writing, which needs that no other kado runs.

    Raises
    ------
    UsageError
        If the samples are on a server.
    LockedError
        If another process holds the data directory, naming its pid.
    ConfigError
        If nothing was collected yet.
    """
    telemetry = DataDir(configuration.data_dir).telemetry
    if configuration.backend.local and not telemetry.is_file():
        raise ConfigError(
            Sentence(
                "there is no {telemetry}: nothing was collected there yet; start `kado run`, or correct data_dir",
                telemetry=telemetry,
            )
        )
    with closing(configuration.backend.open_local(clock)) as store:
        yield store


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
