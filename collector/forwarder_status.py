"""How forwarding stands, for people and for metrics."""

from dataclasses import dataclass
from enum import StrEnum

from facility.text import Text


class ForwarderState(StrEnum):
    """What the forwarder is doing."""

    IDLE = "idle"
    SENDING = "sending"
    RETRYING = "retrying"
    HOLDING = "holding"

    @property
    def words(self) -> Text:
        """What it means, for people."""
        return _WORDS[self]


_WORDS = {
    ForwarderState.IDLE: Text(en="nothing waits", ja="待ちデータなし"),
    ForwarderState.SENDING: Text(en="sending", ja="送信中"),
    ForwarderState.RETRYING: Text(en="InfluxDB cannot take it now; tried again by itself", ja="再送待ち（自動）"),
    ForwarderState.HOLDING: Text(en="paused, operator action needed; data is queued", ja="要対処（データは保持）"),
}


@dataclass(frozen=True, slots=True)
class ForwarderStatus:
    """How forwarding stands."""

    state: ForwarderState
    since_ns: int
    """When it came into this state."""
    problem: str = ""
    """What is wrong, and what to do; empty when sending."""
    failures: int = 0
    """Attempts in a row that did not deliver."""
    delivered: int = 0
    """Samples settled since the start."""
