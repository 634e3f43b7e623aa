"""A machine's history, made a week at a time by any number of workers."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from facility.batch import Batch
from facility.profile import Profile
from facility.time import NS_PER_DAY
from simulators.machine import Machine
from simulators.scenario import Scenario

WEEK_NS: Final = 7 * NS_PER_DAY
FIRST_MONDAY_NS: Final = 4 * NS_PER_DAY
"""The first Monday of 1970."""

Job = tuple[Profile, Scenario, int, int, int, bool]
"""Profile, scenario, seed, start and end in ns, and whether by signal: what one worker is given."""


def weeks(
    run: Callable[[Callable[[Job], list[Batch]], Iterable[Job]], Iterable[list[Batch]]],
    profile: Profile,
    scenario: Scenario,
    seed: int,
    start_ns: int,
    end_ns: int,
    *,
    by_signal: bool = False,
) -> Iterator[Batch]:
    """Yield the samples of ``[start_ns, end_ns)``; `run` is `map`, or that of a `concurrent.futures.Executor`.

    A ring is empty every Monday, so that no week has to be made for the one after it.
    """
    first, last = (start_ns - FIRST_MONDAY_NS) // WEEK_NS, (end_ns - 1 - FIRST_MONDAY_NS) // WEEK_NS
    mondays = [FIRST_MONDAY_NS + week * WEEK_NS for week in range(first, last + 1)]
    jobs = [(profile, scenario, seed, max(a, start_ns), min(a + WEEK_NS, end_ns), by_signal) for a in mondays]
    for batches in run(make_week, jobs):
        yield from batches


def make_week(job: Job) -> list[Batch]:
    """Make what one worker is given."""
    profile, scenario, seed, start_ns, end_ns, by_signal = job
    return list(Machine(profile, scenario, seed).history(start_ns, end_ns, by_signal=by_signal))
