"""How things stand, read beside the service from what it has made durable."""

from dataclasses import dataclass

from collector.ledger import SourceTotals, read_ledger
from console.care.outlook import Outlook, load_outlook
from console.config import Configuration
from console.figures import load_plan
from console.stores import open_store, running_pid
from facility.profile import Profile
from facility.schedule import Block
from facility.signals import link_signal
from storage.store import LastValue


@dataclass(frozen=True, slots=True)
class Standing:
    """One look at everything."""

    profile: Profile
    now_ns: int
    pid: str | None
    """Of the kado that runs on the data directory; None: none does."""
    store: str
    """``embedded`` or ``influxdb``."""
    newest: dict[str, LastValue | None]
    """Each signal's newest sample."""
    links: dict[str, LastValue | None]
    """Each configured source's newest word of its link."""
    block: Block | None
    """What is planned now."""
    totals: tuple[SourceTotals, ...]
    outlook: Outlook
    """What is kept, and how long the disk will last."""


def load_standing(configuration: Configuration, now_ns: int) -> Standing:
    """Look at store, journal and ledger.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    UnreachableError
        If the store does not answer.
    """
    profile = configuration.profile
    signals = [signal.id for signal in profile.signals]
    sources = [source.id for source in configuration.sources]
    totals = read_ledger(configuration.data_dir).sources()
    with open_store(configuration) as store:
        last = store.last([*signals, *map(link_signal, sources)])
    return Standing(
        profile=profile,
        now_ns=now_ns,
        pid=running_pid(configuration),
        store=configuration.store.kind,
        newest={signal: last.get(signal) for signal in signals},
        links={source: last.get(link_signal(source)) for source in sources},
        block=load_plan(configuration).block_at(now_ns),
        totals=totals,
        outlook=load_outlook(configuration, now_ns),
    )
