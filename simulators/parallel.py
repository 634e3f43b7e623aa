"""A machine's history made by several workers: the same samples, whatever their number."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from facility.batch import Batch
from facility.profile import Profile
from facility.time import NS_PER_DAY
from simulators.machine import Machine
from simulators.scenario import Scenario

WEEK_DAYS: Final = 7
_FIRST_MONDAY: Final = 4
"""The first Monday of 1970, in days."""

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
    """Yield the samples of ``[start_ns, end_ns)`` as `Machine.history` does, made a week at a time.

    A ring is empty every Monday, so that no week has to be made for the one after it.

    Parameters
    ----------
    run
        `map`, or the one of a `concurrent.futures.Executor`, or of a cluster's client.
    """
    week_ns, monday_ns = WEEK_DAYS * NS_PER_DAY, _FIRST_MONDAY * NS_PER_DAY
    first, last = (start_ns - monday_ns) // week_ns, (end_ns - 1 - monday_ns) // week_ns
    spans = [(monday_ns + w * week_ns, monday_ns + (w + 1) * week_ns) for w in range(first, last + 1)]
    jobs = [(profile, scenario, seed, max(a, start_ns), min(b, end_ns), by_signal) for a, b in spans]
    for batches in run(make_week, jobs):
        yield from batches


def make_week(job: Job) -> list[Batch]:
    """Make what one worker is given."""
    profile, scenario, seed, start_ns, end_ns, by_signal = job
    return list(Machine(profile, scenario, seed).history(start_ns, end_ns, by_signal=by_signal))
