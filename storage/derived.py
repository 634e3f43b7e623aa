"""Derived series: what kado computes, published for Grafana and kept equal to what it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from facility.time import EARLIEST_NS, LATEST_NS, MAX_NS, MIN_NS

Value = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a derived series; a field that does not exist is left out."""

    time_ns: int
    tags: tuple[tuple[str, str], ...]
    """Further ones than those of the scope, in order of name."""
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Scope:
    """The points of a measurement that belong together: replaced together, and nothing outside."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    start_ns: int = MIN_NS
    end_ns: int = MAX_NS

    @property
    def first_ns(self) -> int:
        """The first instant that a store can hold of it."""
        return max(self.start_ns, EARLIEST_NS)

    @property
    def last_ns(self) -> int:
        """The last one."""
        return min(self.end_ns - 1, LATEST_NS)


class DerivedSeries(Protocol):
    """Where derived series are kept.

    Contract: `replace` makes a scope what it should be and may be called again and again; ended half-way, the next
    call finishes. What it reads is compared and never computed with.
    """

    def replace(self, scope: Scope, wanted: Sequence[Point]) -> int:
        """Make the points of a scope those that are wanted; return how many had to be written or deleted.

        Raises
        ------
        UnreachableError, AuthorizationError
            If the server does not answer, refuses us, or has no place for them.
        """
        ...

    def clear(self, measurement: str, facility: str) -> None:
        """Delete every point of a facility; raises as `replace`."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
