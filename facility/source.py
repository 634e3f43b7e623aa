"""The seam through which signals come in.

A source is two objects: a frozen *spec* (what to connect to, which signals) and a *reader* (one connection
after another to it). Collector and simulators implement it; kado wires them.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from facility.batch import Batch
from facility.profile import Profile
from facility.time import MIN_NS, Clock

SINCE_LAST_COMMIT: Final = MIN_NS
"""Start of a gap whose reader cannot know it: the collector puts the instant of the source's last commit there,
and records no gap for a source that never delivered anything."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something received that cannot become a sample; kept, counted, acknowledged."""

    cause: str
    """A slug from a closed, documented set, such as ``unknown_signal``."""
    address: str
    """Where it came from: a topic, a PV, a file and line."""
    payload: bytes
    """As received, so that it can be replayed once the mapping is corrected; may be cut."""
    detail: str
    """For people: what was wrong, with the value and the limit."""
    arrival_ns: int
    count: int = 1
    """How many samples it stands for; a payload that cannot be read is one."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one read gave: samples, and what had to be rejected."""

    batch: Batch | None
    rejected: tuple[Rejection, ...] = ()
    token: object = None
    """What `Reader.acknowledge` wants back; opaque, bound to the connection that delivered it."""


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The link to the source came up, went down, or is still up."""

    time_ns: int
    state: Literal["up", "down"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GapReport:
    """Samples of ``[start_ns, end_ns)`` may be missing for good."""

    start_ns: int
    """May be `SINCE_LAST_COMMIT`."""
    end_ns: int
    reason: str
    """A slug such as ``session_lost`` or ``not_replayable``."""
    dropped: int = 0
    """Samples known to have been dropped, where a number is known."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that makes a connection promise less than was asked for; said once, and shown with the status."""

    kind: str
    """A slug such as ``qos_not_granted``."""
    text: str
    """For people: what is missing, what follows from it, what to do."""


class Reader(Protocol):
    """A live connection to a source; used by one task only, except `acknowledge`."""

    replayable: bool
    """Whether the source keeps what was not acknowledged (MQTT QoS 1 with a session, archivers, files)."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What this connection does not promise, as far as it is known; more may come while it is read."""
        ...

    def items(self) -> AsyncIterator[Delivery | LinkReport | GapReport]:
        """Yield what arrives until the connection ends; call once.

        A reader bounds what it holds unacknowledged, and stops reading when that is full.

        Raises
        ------
        UnreachableError
            When the connection is lost or cannot be made; the supervisor decides on another try.
        """
        ...

    async def acknowledge(self, token: object) -> None:
        """Confirm to the source that a delivery is durable.

        Called once for each delivery, in the order they were yielded. A token of a connection that is gone is
        ignored: the source will deliver again.
        """
        ...


class SourceSpec(Protocol):
    """What to read; frozen, cheap to make, from configuration."""

    @property
    def id(self) -> str:
        """Slug; its link is stored as ``<id>_link``."""
        ...

    @property
    def kind(self) -> str:
        """Kind of source, as ``[[source]]`` names it."""
        ...

    @property
    def address(self) -> str:
        """Where it is, for people and without secrets; empty for one in this process."""
        ...

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that it delivers; none named: all that it has."""
        ...

    @property
    def live(self) -> bool:
        """Whether the service reads it; the history of an archive is fetched by a command instead."""
        ...

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Files that hold its passwords, tokens or keys: other users should not be able to read them."""
        ...

    def probe(self) -> "SourceSpec":
        """Return a source that connects beside a running service, and takes nothing away from it."""
        ...

    def connect(self, profile: Profile, clock: Clock) -> AbstractAsyncContextManager[Reader]:
        """Open a connection; leaving the context closes it.

        Raises
        ------
        UnreachableError
            If the source cannot be reached.
        """
        ...
