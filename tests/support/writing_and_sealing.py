"""Write numbered samples and seal them, on and on, until killed; tell after each batch how many were written.

Argument: data directory.
"""

import sys
from pathlib import Path

import numpy as np

from facility.batch import Batch
from facility.time import NS_PER_DAY, NS_PER_S
from storage.embedded.store import EmbeddedStore

DAY = 20_500 * NS_PER_DAY
STEP_NS = 600 * NS_PER_S
A_BATCH = 36
"""Samples: a quarter of a day."""


def main() -> None:
    """Write a quarter of a day, again and again; seal what is over, merge months, drop nothing."""
    written = 0
    store = EmbeddedStore(Path(sys.argv[1]), "ring", read_only=False)
    while True:
        numbers = np.arange(written, written + A_BATCH)
        times = DAY + numbers * STEP_NS
        store.write(Batch.of_numbers("ring", "current", times, numbers.astype(float)))
        written += A_BATCH
        print(written, flush=True)
        if written % (5 * A_BATCH) == 0:
            store.seal(int(times[-1]))
        if written % (40 * A_BATCH) == 0:
            store.merge_months(int(times[-1]))


if __name__ == "__main__":
    main()
