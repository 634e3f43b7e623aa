"""Whether simulated history would be written over samples of another origin."""

from typing import Final

from facility.errors import PeriodError
from kado.config import Configuration
from kado.queries.evidence import extent_of
from kado.stores import open_store
from simulators.machine import Machine
from storage.data_dir import DataDir, open_private

_RECORD: Final = "simulated_histories"
"""File in the data directory: scenario and seed of each history that was written into it."""


def other_history(configuration: Configuration, machine: Machine, start_ns: int, end_ns: int) -> tuple[int, int] | None:
    """Return the stamps of the first samples in a span that this scenario with this seed did not make; None: none.

    The same scenario with the same seed makes the same samples again, so an interrupted simulation may go on.
    """
    if not DataDir(configuration.data_dir).telemetry.exists() or _is_known(configuration, machine):
        return None
    signal = configuration.profile.delivery_signal
    with open_store(configuration) as store:
        try:
            first_ns, last_ns = extent_of(store, configuration.profile)
        except PeriodError:
            return None
        if last_ns < start_ns or end_ns <= first_ns:
            return None
        for samples in store.read_chunks(signal, start_ns, end_ns):
            if len(samples):
                return int(samples.time_ns[0]), int(samples.time_ns[-1])
    return None


def note_history(configuration: Configuration, machine: Machine) -> None:
    """Record that this scenario with this seed was written into the store, or was begun to be."""
    if not _is_known(configuration, machine):
        configuration.data_dir.mkdir(parents=True, exist_ok=True)
        with open(configuration.data_dir / _RECORD, "a", encoding="utf-8", opener=open_private) as file:
            file.write(f"{machine.scenario.id} {machine.seed}\n")


def _is_known(configuration: Configuration, machine: Machine) -> bool:
    path = configuration.data_dir / _RECORD
    known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return f"{machine.scenario.id} {machine.seed}" in known
