"""The records of an IOC by which faults are injected."""

from collections.abc import Callable
from typing import Any, Final

from facility.errors import KadoError
from simulators.fault_injection import FaultInjection
from simulators.faults import Fault
from simulators.outlets.fault_words import ALL, active_words, fault_words, repair_word

NONE: Final = "none"
ROOM: Final = 400
"""Bytes of a text that is longer than a string record's."""


class InjectRecords:
    """The records, and what a put to them does.

    Parameters
    ----------
    builder
        softioc's.
    """

    NAMES = ("INJECT", "INJECT_LENGTH_S", "INJECT_READS", "INJECT_SHIFT_S", "REPAIR", "ACTIVE", "RESULT")

    def __init__(self, builder: Any, injection: FaultInjection) -> None:
        self._injection = injection
        choices = (NONE, *injection.effects)
        # Written by clients (group FAULTS); each answers to every put, also of the value that it has.
        put: dict[str, Any] = {"ASG": "FAULTS", "always_update": True}
        self._inject = builder.mbbOut(
            "INJECT", *choices, initial_value=0, on_update=self._injected, DESC="put an effect: it begins", **put
        )
        self._repair = builder.mbbOut(
            "REPAIR",
            *choices,
            ALL,
            initial_value=0,
            on_update=self._repaired,
            DESC="put an effect, or all: it ends",
            **put,
        )
        self._length_s = builder.aOut("INJECT_LENGTH_S", initial_value=0, EGU="s", DESC="0: as usual", ASG="FAULTS")
        self._reads = builder.stringOut("INJECT_READS", initial_value="", DESC="empty: as usual", ASG="FAULTS")
        self._shift_s = builder.aOut("INJECT_SHIFT_S", initial_value=0, EGU="s", DESC="0: as usual", ASG="FAULTS")
        self._active = builder.longStringIn("ACTIVE", length=ROOM, DESC="what is broken now")
        self._result = builder.longStringIn("RESULT", length=ROOM, DESC="of the last put to INJECT or REPAIR")
        self._choices = (*choices, ALL)
        self._shown = ""

    def show(self) -> None:
        """Say what is broken."""
        broken = active_words(self._injection)
        if broken != self._shown:
            self._active.set(cut(broken, ROOM - 1))
            self._shown = broken

    def _injected(self, choice: int) -> None:
        if choice:
            self._inject.set(0)
            self._try(lambda: fault_words(self._inject_now(self._choices[choice])))

    def _repaired(self, choice: int) -> None:
        if choice:
            self._repair.set(0)
            self._try(lambda: repair_word(self._injection, self._choices[choice]))

    def _inject_now(self, effect: str) -> Fault:
        return self._injection.inject(
            effect,
            length_s=self._length_s.get() or None,
            reads=self._reads.get() or None,
            shift_s=self._shift_s.get() or None,
        )

    def _try(self, act: Callable[[], str]) -> None:
        try:
            done = act()
        except KadoError as error:
            done = f"refused: {error}"
        self._result.set(cut(done, ROOM - 1))


def cut(text: str, most: int) -> str:
    """Return as much of a text as so many bytes hold."""
    return text.encode()[:most].decode(errors="ignore")
