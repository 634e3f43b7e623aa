"""What a server needs before a store can use it, and what became of it: buckets, and a token for them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Found(Enum):
    """What became of a bucket that is wanted."""

    MADE = "made"
    THERE = "there already"
    DIFFERS = "differs"
    """It keeps samples for another time than asked for, and was left as it is."""
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class BucketOutcome:
    """A bucket as it is now."""

    id: str
    name: str
    found: Found
    wanted_ns: int | None
    """For how long it was to keep samples; None: without limit."""
    before_ns: int | None
    """For how long it did when it was found; for one that was made, as `wanted_ns`."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What is there now."""

    url: str
    org: str
    buckets: tuple[BucketOutcome, ...]
    token_file: Path | None
    """Where the token for these buckets is; None: it was not asked for."""
    token_made: bool
    """False: it was there, and sees the buckets."""

    @property
    def differing(self) -> tuple[BucketOutcome, ...]:
        """Buckets that keep samples for another time than the configuration says."""
        return tuple(bucket for bucket in self.buckets if bucket.found is Found.DIFFERS)


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """What is to be set up."""

    operator: Callable[[], tuple[str, str]] | None
    """Reads a token that may make buckets, and names its origin for messages; None: the token of the store."""
    write_token: bool
    """Whether to make a token for these buckets alone."""
    update: bool
    """Whether the retention of a bucket that is there is changed."""
