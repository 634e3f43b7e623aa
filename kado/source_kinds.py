"""The kinds of source that ``[[source]]`` may name, wired from collector and simulators."""

from functools import cache
from importlib import import_module
from typing import cast

from pydantic import BaseModel

from collector.sources.table import SOURCES as COLLECTED
from facility.source import SourceSpec
from simulators.table import SOURCES as SIMULATED


@cache
def source_classes() -> dict[str, type[BaseModel]]:
    """Return the class that a ``[[source]]`` table of each kind becomes; each is a `facility.source.SourceSpec`."""
    return {kind: _load(place) for kind, place in {**COLLECTED, **SIMULATED}.items()}


def simulated_kinds() -> frozenset[str]:
    """Return the kinds whose samples are simulated."""
    return frozenset(SIMULATED)


def delivers(source: SourceSpec, signal: str) -> bool:
    """Whether `kado run` gets a signal from a source; one that names no signals delivers all that it has."""
    return source.live and (not source.signals or signal in source.signals)


def _load(place: str) -> type[BaseModel]:
    module, _, name = place.partition(":")
    return cast("type[BaseModel]", getattr(import_module(module), name))
