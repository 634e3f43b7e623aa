"""What the store holds, signal by signal: ``kado store status``."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from facility.profile import Profile
from facility.time import NS_PER_DAY, format_time
from kado.config import Configuration, EmbeddedSettings, InfluxSettings
from kado.queries.identity import identity
from kado.queries.outlook import Outlook, outlook_document, outlook_of
from kado.stores import make_influx_client, open_store, running_pid
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
    with open_store(configuration) as store:
        series = store.series()
    with closing(make_influx_client(configuration, settings)) as client:
        kept_ns = client.bucket_info().retention_ns
    days = None if kept_ns is None else kept_ns // NS_PER_DAY
    census = [
        SignalCensus(s.signal, s.samples, 0, 0, 0, 0, 0, s.first_ns or 0, s.last_ns or 0) for s in series if s.samples
    ]
    return census, {one.signal: days for one in census}


def inventory_document(inventory: Inventory) -> dict[str, Any]:
    """Return the same for programs."""
    profile = inventory.profile
    return {
        **identity(profile),
        "time": format_time(inventory.now_ns, profile.zone),
        "store": inventory.store.partition(",")[0],
        "running_pid": None if inventory.pid is None else int(inventory.pid),
        "signals": [_document(inventory, one) for one in inventory.signals],
        "waiting": inventory.waiting,
        "leftovers": inventory.outlook.space.leftovers,
        **outlook_document(profile, inventory.outlook, inventory.now_ns),
    }


def _document(inventory: Inventory, one: SignalCensus) -> dict[str, Any]:
    zone = inventory.profile.zone
    embedded = inventory.store == "embedded"
    known = {
        "rows": one.rows,
        "sealed": one.sealed,
        "files": one.files,
        "bytes": one.bytes,
        "bytes_a_sample": one.bytes / one.sealed if one.sealed else None,
        "minute_files": one.minute_files,
        "minute_bytes": one.minute_bytes,
    }
    return {
        "signal": one.signal,
        **(known if embedded else {"samples": one.rows}),
        "first": format_time(one.first_ns, zone),
        "last": format_time(one.last_ns, zone),
        "keep_days": inventory.keep_days[one.signal],
    }
