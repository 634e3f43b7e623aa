"""What the store holds, signal by signal: ``kado store status``."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from facility.profile import Profile
from facility.time import format_time
from kado.config import Configuration
from kado.queries.identity import identity
from kado.queries.outlook import outlook_document
from kado.stores import running_pid
from storage.inventory import Holdings, Outlook, SignalCensus
from storage.telemetry_db import open_reader


@dataclass(frozen=True, slots=True)
class Inventory:
    """One look at all that is kept."""

    profile: Profile
    now_ns: int
    pid: str | None
    """Of the kado that runs on the data directory; None: none does."""
    kind: str
    """``embedded`` or ``influxdb``."""
    title: str
    """The same for people, with the bucket."""
    local: bool
    """Whether the samples lie in the data directory; of those on a server nothing is known about files."""
    holdings: Holdings
    outlook: Outlook


def load_inventory(configuration: Configuration, now_ns: int) -> Inventory:
    """Count everything, while another process may write.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    UnreachableError, AuthorizationError
        If InfluxDB does not answer, or refuses us.
    """
    backend, profile = configuration.backend, configuration.profile
    with closing(open_reader(configuration.data_dir, profile.id, backend.kind)) as connection:
        outlook = backend.outlook(connection, now_ns)
        holdings = backend.take_inventory(connection)
    return Inventory(
        profile=profile,
        now_ns=now_ns,
        pid=running_pid(configuration),
        kind=backend.kind,
        title=backend.title,
        local=backend.local,
        holdings=holdings,
        outlook=outlook,
    )


def inventory_document(inventory: Inventory) -> dict[str, Any]:
    """Return the same for programs."""
    profile = inventory.profile
    return {
        **identity(profile),
        "time": format_time(inventory.now_ns, profile.zone),
        "store": inventory.kind,
        "running_pid": None if inventory.pid is None else int(inventory.pid),
        "signals": [_document(inventory, one) for one in inventory.holdings.signals],
        "waiting": inventory.holdings.waiting,
        "leftovers": inventory.outlook.space.leftovers,
        **outlook_document(profile, inventory.outlook, inventory.now_ns),
    }


def _document(inventory: Inventory, one: SignalCensus) -> dict[str, Any]:
    zone = inventory.profile.zone
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
        **(known if inventory.local else {"samples": one.rows}),
        "first": format_time(one.first_ns, zone),
        "last": format_time(one.last_ns, zone),
        "keep_days": inventory.holdings.keep_days[one.signal],
    }
