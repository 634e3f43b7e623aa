"""Work on sealed files and end, as a power cut would, at the n-th time that a step is done.

Arguments: data directory, what to do (seal, load, merge, delete), step, n, and the archive's address, if it has one.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from facility.batch import Samples
from facility.time import NS_PER_DAY, NS_PER_S
from storage.embedded.archive.swap import Step
from storage.embedded.store import EmbeddedStore

DAY = 20_500 * NS_PER_DAY
"""A day early in a month."""


def history(start_ns: int, step_ns: int, n: int, offset: float) -> Samples:
    """Return numbered samples."""
    return Samples.sorted("ring", "current", start_ns + np.arange(n) * step_ns, offset + np.arange(n))


def work(store: EmbeddedStore, what: str) -> None:
    """Do one of the things that sealed files are for."""
    if what == "seal":
        store.seal(DAY + 10 * NS_PER_DAY)
    elif what == "merge":
        store.merge_months(DAY + 60 * NS_PER_DAY)
    elif what == "load":
        # Three files, of which later ones are encoded while earlier ones are written, and rows.
        store.load(history(DAY, 6000 * NS_PER_S, 1000, 5.0), before_ns=DAY + 60 * NS_PER_DAY, source="back_fill")
    else:
        store.delete("current", DAY + NS_PER_DAY + 3600 * NS_PER_S)


def main() -> None:
    """Run until the step, or to the end if it is not reached."""
    data_dir, what, step, times, *archive = sys.argv[1:]
    left = int(times)

    def at_step(done: Step) -> None:
        nonlocal left
        left -= done == step
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    address = archive[0] if archive else None
    store = EmbeddedStore(Path(data_dir), "ring", read_only=False, archive=address, at_step=at_step)
    work(store, what)
    store.close()


if __name__ == "__main__":
    main()
