"""Waiting until something is so, with a bound that a busy machine keeps."""

import asyncio
import time
from collections.abc import Callable

LONGEST_S = 120.0


def wait_for(condition: Callable[[], object], timeout_s: float = LONGEST_S) -> None:
    """Wait until something is so; AssertionError where it never is."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {timeout_s:g} s"
        time.sleep(0.05)


async def until(condition: Callable[[], object], timeout_s: float = LONGEST_S) -> None:
    """Wait as `wait_for` does, and let the loop run meanwhile."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {timeout_s:g} s"
        await asyncio.sleep(0.002)
