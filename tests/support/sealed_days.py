"""Days of one signal in sealed files, in a folder or in an object store."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facility.batch import Batch
from facility.time import NS_PER_DAY, NS_PER_S
from storage.embedded.store import EmbeddedStore

DAY = 20_500 * NS_PER_DAY  # 2026-02-16
FOLDER = "samples/signal=current/year=2026"


@dataclass(frozen=True, slots=True)
class Archive:
    """Where the sealed files of a test lie."""

    data_dir: Path
    address: str | None
    """As the configuration has it; None for the folder in the data directory."""
    root: Path
    """Where a test finds each of them as a file."""

    def open(self, *, read_only: bool = False) -> EmbeddedStore:
        """Open the store."""
        return EmbeddedStore(self.data_dir, "ring", read_only=read_only, archive=self.address)

    def names(self) -> list[str]:
        """Return the files of samples."""
        return sorted(path.name for path in (self.root / FOLDER).iterdir())


def numbers(start_ns: int, n: int, step_s: float = 60.0, offset: float = 0.0) -> Batch:
    """Return numbered samples of `current`."""
    times = start_ns + (np.arange(n) * step_s * NS_PER_S).astype(np.int64)
    return Batch.of_numbers("ring", "current", times, offset + np.arange(n))


def three_days(store: EmbeddedStore) -> None:
    """Seal three days of a sample a minute, each a file."""
    for day in range(3):
        store.write(numbers(DAY + day * NS_PER_DAY, 1440, offset=1e4 * day))
        store.seal(DAY + (day + 1) * NS_PER_DAY)


def flip(path: Path, place: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)
