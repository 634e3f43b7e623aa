"""Random numbers that depend on a seed, a purpose and a number, and on nothing else.

Every day, every signal and every kind of fault has a stream of its own, so that any of them can be made
without those before it, in any order, by any number of workers.
"""

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the random numbers of one purpose, such as a signal's noise on one day.

    Parameters
    ----------
    seed
        Not negative: the user's.
    purpose
        What they are for; another purpose gives independent numbers.
    numbers
        Not negative: which day, month or fault.
    """
    sequence = np.random.SeedSequence([seed, crc32(purpose.encode()), *numbers])
    return np.random.Generator(np.random.Philox(sequence))
