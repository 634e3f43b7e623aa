"""The channels of a source as columns need them: code, signal, conversion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from collector.sources.mapping import SignalMapping
from facility.batch import Float64
from facility.profile import Profile


@dataclass(frozen=True)
class Channels:
    """All channels of a source, in the order of their codes."""

    facility: str
    signals: tuple[str, ...]
    addresses: tuple[str, ...]
    states: NDArray[np.bool_]
    """(n,) whether the signal is a state."""
    on_change: NDArray[np.bool_]
    """(n,) whether the signal is sent on change only, so that a value stands while the link is alive."""
    scale: Float64
    offset: Float64
    words: tuple[Mapping[str, str], ...]
    """For each, what the source's texts are called in the profile."""

    @classmethod
    def of(cls, profile: Profile, mappings: Sequence[SignalMapping]) -> "Channels":
        """Look the signals of mappings up in a profile.

        Raises
        ------
        ProfileError
            If it lacks one.
        """
        signals = [profile.signal(m.signal) for m in mappings]
        return cls(
            profile.id,
            tuple(m.signal for m in mappings),
            tuple(m.address for m in mappings),
            np.array([s.type == "state" for s in signals], np.bool_),
            np.array([s.stale_after_ns is None for s in signals], np.bool_),
            np.array([m.scale for m in mappings], np.float64),
            np.array([m.offset for m in mappings], np.float64),
            tuple(m.words for m in mappings),
        )

    def __len__(self) -> int:
        return len(self.signals)

    @cached_property
    def has_states(self) -> bool:
        """Whether any signal is a state."""
        return bool(self.states.any())

    @cached_property
    def has_on_change(self) -> bool:
        """Whether any signal is sent on change only."""
        return bool(self.on_change.any())

    @cached_property
    def converts(self) -> bool:
        """Whether any number is to be converted."""
        return bool((self.scale != 1).any() or (self.offset != 0).any())
