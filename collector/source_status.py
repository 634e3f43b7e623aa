"""How a source stands, for people and for metrics."""

from dataclasses import dataclass
from enum import StrEnum

from facility.errors import KadoError
from facility.text import Text


class LinkState(StrEnum):
    """Whether a source delivers."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"

    @property
    def words(self) -> Text:
        """What it means, for people."""
        return _WORDS[self]


_WORDS = {
    LinkState.CONNECTING: Text(en="connecting", ja="接続中"),
    LinkState.UP: Text(en="connected", ja="接続済み"),
    LinkState.DOWN: Text(en="not connected; tried again by itself", ja="切断（自動で再接続）"),
}


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source stands."""

    state: LinkState
    since_ns: int
    """When it came into this state."""
    connects: int = 0
    """Connections made since the start; all but the first are reconnects."""
    last_arrival_ns: int | None = None
    """When samples last arrived, be they retained or repeated ones."""
    newest_ns: int | None = None
    """The newest stamp that it delivered; unlike an arrival, it shows that the source itself is alive."""
    last_error: str = ""
    """Why it last failed; kept after it has come back."""
    last_failure: KadoError | None = None
    """The same as it was raised, from which it is shown in other languages."""
    in_flight: int = 0
    """Deliveries that were read and are not yet acknowledged."""
    samples: int = 0
    """Landed since the start."""
    rejected: int = 0
    """Rejected since the start, in samples."""
    notices: tuple[tuple[str, int], ...] = ()
    """What the present connection does not promise, for people, and on how many connections that was so."""
