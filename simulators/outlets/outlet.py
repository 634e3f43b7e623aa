"""The seam through which the samples of a live simulator go out."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

from facility.batch import Batch
from facility.errors import MissingExtraError
from facility.sentence import Sentence
from facility.signals import Signal
from facility.source import LinkReport
from simulators.outlets.sample import Sample, samples_of


@dataclass(slots=True)
class Released:
    """What has gone out."""

    samples: int = 0
    first_ns: int | None = None
    """Earliest stamp."""
    last_ns: int | None = None
    """Latest stamp."""

    def count(self, sample: Sample) -> None:
        """Take note of one sample."""
        self.samples += 1
        first, last = self.first_ns, self.last_ns
        self.first_ns = sample.time_ns if first is None else min(first, sample.time_ns)
        self.last_ns = sample.time_ns if last is None else max(last, sample.time_ns)


class Outlet(Protocol):
    """One way out; made for one run, used by one task.

    Making it checks the address and that its library is installed; nothing listens before `serving`.
    """

    answers_afterwards: bool
    """Whether readers come to it, so that it is to stay when the last sample is out."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What people need to know to read it, a line each; true while `serving`."""
        ...

    @property
    def released(self) -> Released:
        """What has gone out until now."""
        ...

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Listen until the end of the context.

        Raises
        ------
        ConfigError
            If the port is taken.
        """
        ...

    def show(self, standing: Sequence[Sample]) -> None:
        """Show what stands at the start, while `serving` and before `release`.

        A client reads it before the first sample of a signal; it was sent earlier, and counts as no sample here.
        """
        ...

    async def release(self, items: AsyncIterator[Batch | LinkReport]) -> None:
        """Send everything out that the feed gives, each sample once and in that order; ends with the feed."""
        ...


async def rounds(items: AsyncIterator[Batch | LinkReport]) -> AsyncGenerator[list[Sample] | LinkReport]:
    """Yield samples in their order, at most one of each signal at once.

    A record or an attribute has one value at a time: who posts a round, and waits before the next, overwrites
    nothing that no client has seen.
    """
    async for item in items:
        if isinstance(item, LinkReport):
            yield item
            continue
        once: list[Sample] = []
        posted: set[str] = set()
        for sample in samples_of(item):
            if sample.signal in posted:
                yield once
                once, posted = [], set()
            once.append(sample)
            posted.add(sample.signal)
        if once:
            yield once


def decimals(signal: Signal) -> int:
    """Return how many decimals the simulated instruments resolve."""
    return 6 if signal.unit == "mJ" else 3


def require_extra(module: str, extra: str, what: str) -> None:
    """Raise `MissingExtraError` if a library that is optional is not installed."""
    if find_spec(module) is None:
        raise MissingExtraError(
            Sentence(
                '{what} needs {module}, which is not installed: pip install "kado[{extra}]"',
                what=what,
                module=module,
                extra=extra,
            )
        )
