"""Land numbered samples from several tasks for ever, writing a line for each batch once it is acknowledged.

Arguments: data directory, kind of store, number of the round.
"""

import asyncio
import sys
from pathlib import Path
from typing import get_args

import numpy as np

from collector.arrival import Arrival
from collector.landing import Landing
from facility.batch import Batch
from storage.telemetry_db import StoreKind

FACILITY = "ring"
SOURCES = 3


def batch(source: int, first: int, n: int) -> Batch:
    """Return `n` samples of a source, stamped and valued by their number."""
    numbers = np.arange(first, first + n)
    return Batch.of_numbers(FACILITY, f"signal_{source}", numbers, numbers.astype(float))


async def produce(landing: Landing, source: int, first: int) -> None:
    """Land batches of growing sizes, one after the other."""
    for i in range(10_000):
        n = 1 + (i * 37 + source) % 500
        await landing.land(Arrival(f"source_{source}", batch(source, first, n)))
        print(f"signal_{source}", first, n, flush=True)
        first += n


async def land_for_ever(data_dir: Path, kind: StoreKind, round_number: int) -> None:
    """Run until killed."""
    with Landing.open(data_dir, FACILITY, kind) as landing:
        async with asyncio.TaskGroup() as group:
            for source in range(SOURCES):
                group.create_task(produce(landing, source, round_number * 10**7))


def land_into_log(data_dir: Path, kind: StoreKind, round_number: int, log: Path) -> None:
    """Do the same in a forked process, with the lines in a file."""
    with log.open("w") as sys.stdout:
        asyncio.run(land_for_ever(data_dir, kind, round_number))


if __name__ == "__main__":
    asyncio.run(
        land_for_ever(Path(sys.argv[1]), next(k for k in get_args(StoreKind) if k == sys.argv[2]), int(sys.argv[3]))
    )
