"""Periodic work, slotted to the wall clock."""

import asyncio

from facility.time import NS_PER_S, Clock


class Slots:
    """The instants at which periodic work is due: whole multiples of its period since 1970.

    So two collectors, and one that was restarted, work at the same instants. What could not be done in time is
    not made up for; it is counted.
    """

    def __init__(self, period_ns: int, clock: Clock) -> None:
        self._period_ns = period_ns
        self._clock = clock
        self._due_ns = self._after(clock())
        self.missed = 0
        """Slots that went by unused."""

    async def wait(self) -> None:
        """Return when the next slot has come."""
        self.skip(self._clock())
        while True:
            # The clock may be set meanwhile, and a sleep may end early: look again.
            left_ns = self._due_ns - self._clock()
            if left_ns <= 0:
                break
            await asyncio.sleep(min(left_ns, self._period_ns) / NS_PER_S)
        self._due_ns += self._period_ns

    def skip(self, now_ns: int) -> None:
        """Count the slots that have gone by, and aim at the next one."""
        if now_ns >= self._due_ns:
            self.missed += (now_ns - self._due_ns) // self._period_ns + 1
            self._due_ns = self._after(now_ns)
        elif self._due_ns - now_ns > self._period_ns:
            # The clock was set back.
            self._due_ns = self._after(now_ns)

    def _after(self, now_ns: int) -> int:
        return (now_ns // self._period_ns + 1) * self._period_ns
