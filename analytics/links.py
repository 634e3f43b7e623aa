"""What the link of a source says about the samples that it delivers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facility.batch import Samples
from facility.interval import Intervals
from facility.signals import LINK_HOLD_NS

Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LinkLoss:
    """Where the link of a signal's source was lost."""

    cuts: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    """(n,) ns, increasing: instants at which a running hold ends."""
    down: Intervals = field(default_factory=Intervals.empty)
    """From each of them to the instant at which the link is known to be up again."""

    @classmethod
    def of(cls, links: Samples, end_ns: int, *, heartbeats: bool) -> "LinkLoss":
        """Read the link series of one source.

        Parameters
        ----------
        links
            The source's ``<source>_link`` series, the last word before the window included.
        end_ns
            End of the window.
        heartbeats
            Whether a heartbeat that stays away is a loss as well: for signals sent on change only, which hold for
            as long as the link is known to be up.
        """
        down = links.in_state("down")
        times = links.time_ns
        lost = times[down]
        if heartbeats and len(links):
            silent = np.append(np.diff(times) > LINK_HOLD_NS, True) & ~down
            lost = np.concatenate([lost, times[silent] + LINK_HOLD_NS])
        lost = np.unique(lost[lost < end_ns])
        up = np.append(times[~down], max(end_ns, int(times[-1]) if len(links) else end_ns))
        return cls(lost, Intervals.from_arrays(lost, up[np.searchsorted(up, lost, side="right").clip(max=len(up) - 1)]))

    @classmethod
    def of_all(cls, losses: Sequence["LinkLoss"]) -> "LinkLoss":
        """Join the losses of all sources of a signal: each loss cuts a hold, and the signal is down where all are."""
        if not losses:
            return cls()
        down = losses[0].down
        for other in losses[1:]:
            down = down & other.down
        return cls(np.unique(np.concatenate([loss.cuts for loss in losses])), down)
