"""What waits to be forwarded to InfluxDB, read like a store: all that is known here while the server is away."""

from contextlib import closing
from typing import Final

from collector.ledger import read_ledger
from facility.batch import Batch, Samples, join_by_signal
from kado.config import Configuration
from storage.store import LastValue
from storage.telemetry_db import open_reader, outbox

MOST_SAMPLES: Final = 300_000
"""So many samples are read at most, the ones that came last."""


class WaitingSamples:
    """The samples that came last and wait in the outbox, by signal."""

    def __init__(self, facility: str, batches: list[Batch]) -> None:
        self._facility = facility
        self._by_signal = join_by_signal(batches) if batches else {}

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold`, also the last one before."""
        found = self._by_signal.get(signal)
        if found is None:
            return Samples.empty(self._facility, signal)
        before = found.between(int(found.time_ns[0]), start_ns)
        held = before.between(int(before.time_ns[-1]), start_ns) if hold and len(before) else before.between(0, 0)
        part = found.between(start_ns, end_ns)
        return Samples.joined([held, part]) if len(held) else part

    def last(self, signals: list[str]) -> dict[str, LastValue]:
        """Return the newest sample of each signal that has one, of those whose stamp can be true."""
        newest: dict[str, LastValue] = {}
        for signal in signals:
            found = self._by_signal.get(signal)
            if found is None:
                continue
            possible = (~found.with_impossible_time()).nonzero()[0]
            if len(possible):
                i = int(possible[-1])
                word = found.state_words()[i]
                newest[signal] = LastValue(int(found.time_ns[i]), float(found.value[i]), word, int(found.quality[i]))
        return newest

    def extent(self, signal: str) -> tuple[int, int] | None:
        """Return the stamps of a signal's first and last sample whose stamp can be true; None if none waits."""
        found = self._by_signal.get(signal)
        if found is None:
            return None
        credible = found.time_ns[~found.with_impossible_time()]
        return (int(credible[0]), int(credible[-1])) if len(credible) else None


def read_waiting(configuration: Configuration, since_ns: int) -> WaitingSamples:
    """Read what waits with stamps from an instant on, while another process may write.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    DamagedDataError
        If telemetry.db is damaged.
    """
    facility = configuration.profile.id
    if read_ledger(configuration.data_dir).store_kind != "influxdb":
        return WaitingSamples(facility, [])
    with closing(open_reader(configuration.data_dir)) as connection:
        return WaitingSamples(facility, outbox.newest(connection, since_ns, MOST_SAMPLES))
