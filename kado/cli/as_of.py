"""The date that a figure is as known on, or as published on."""

from facility.errors import UsageError
from facility.sentence import Sentence
from facility.time import system_clock
from kado.queries.record import AsOf, published_by


def as_of(as_known_on: str | None, as_published_on: str | None) -> str | AsOf | None:
    """Return the date that was asked for.

    Raises
    ------
    UsageError
        If both are given.
    """
    if as_published_on is None:
        return as_known_on
    if as_known_on is not None:
        raise UsageError(Sentence("--as-known-on and --as-published-on exclude each other: give one of them"))
    return published_by(as_published_on, system_clock())
