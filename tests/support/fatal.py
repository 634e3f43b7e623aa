"""Work that kills whoever does it."""

import os
import signal


def square(number: int) -> int:
    """Return the square; of a number below zero end the process as the kernel does for lack of memory."""
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number
