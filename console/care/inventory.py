"""What the store holds, signal by signal: ``kado store status``."""

from contextlib import closing
from dataclasses import dataclass

from console.care.outlook import Outlook, outlook_of
from console.config import Configuration, EmbeddedSettings, InfluxSettings
from console.stores import running_pid
from facility.profile import Profile
from storage.embedded.care.census import SignalCensus, take_census
from storage.telemetry_db import open_reader


@dataclass(frozen=True, slots=True)
class Inventory:
    """One look at all that is kept."""

    profile: Profile
    now_ns: int
    pid: str | None
    """Of the kado that runs on the data directory; None: none does."""
    store: str
    """``embedded`` or ``influxdb``, with its bucket."""
    signals: tuple[SignalCensus, ...]
    """With InfluxDB `rows` are the samples of the bucket, and nothing is known of files."""
    keep_days: dict[str, int | None]
    """How long each signal is kept; None: for ever."""
    waiting: int
    """Samples that wait to be forwarded to InfluxDB."""
    outlook: Outlook


def load_inventory(configuration: Configuration, now_ns: int) -> Inventory:
    """Count everything, beside whoever writes.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    UnreachableError, AuthorizationError
        If InfluxDB does not answer, or refuses us.
    """
    settings, profile = configuration.store, configuration.profile
    with closing(open_reader(configuration.data_dir, profile.id, settings.kind)) as connection:
        outlook = outlook_of(configuration, connection, now_ns)
        if isinstance(settings, EmbeddedSettings):
            census, waiting = take_census(connection), 0
            keep = {one.signal: settings.retention.days(one.signal) for one in census}
        else:
            census, keep = _of_bucket(configuration, settings)
            (waiting,) = connection.execute("SELECT ifnull(sum(samples), 0) FROM outbox").fetchone()
    store = settings.kind if isinstance(settings, EmbeddedSettings) else f"influxdb, bucket {settings.bucket}"
    return Inventory(profile, now_ns, running_pid(configuration), store, tuple(census), keep, waiting, outlook)


def _of_bucket(
    configuration: Configuration, settings: InfluxSettings
) -> tuple[list[SignalCensus], dict[str, int | None]]:
    """Return what the server says: it counts samples, and does not tell what they take."""
    from console.stores import make_influx_client, open_store
    from facility.time import NS_PER_DAY

    with open_store(configuration) as store:
        series = store.series()
    with closing(make_influx_client(configuration, settings)) as client:
        kept_ns = client.bucket_info().retention_ns
    days = None if kept_ns is None else kept_ns // NS_PER_DAY
    census = [
        SignalCensus(s.signal, s.samples, 0, 0, 0, 0, 0, s.first_ns or 0, s.last_ns or 0) for s in series if s.samples
    ]
    return census, {one.signal: days for one in census}
