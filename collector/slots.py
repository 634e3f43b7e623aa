"""Periodic work, slotted to the wall clock."""

import asyncio

from facility.time import NS_PER_S, Clock


class Slots:
    """The instants at which periodic work is due: whole multiples of its period since 1970.

    So two collectors, and one that was restarted, work at the same instants. A slot that went by unused is not made
    up for; `wait` returns how many there were.
    """

    def __init__(self, period_ns: int, clock: Clock) -> None:
        self._period_ns = period_ns
        self._clock = clock
        self._due_ns = self._after(clock())

    async def wait(self) -> int:
        """Wait for the next slot; return how many went by unused since the last one."""
        missed = self.skip(self._clock())
        while True:
            # The clock may be set meanwhile, and a sleep may end early: look again.
            left_ns = self._due_ns - self._clock()
            if left_ns <= 0:
                break
            await asyncio.sleep(min(left_ns, self._period_ns) / NS_PER_S)
        self._due_ns += self._period_ns
        return missed

    def skip(self, now_ns: int) -> int:
        """Aim at the next slot; return how many have gone by."""
        missed = max(0, (now_ns - self._due_ns) // self._period_ns + 1)
        # Also where the clock was set back.
        if missed or self._due_ns - now_ns > self._period_ns:
            self._due_ns = self._after(now_ns)
        return missed

    def _after(self, now_ns: int) -> int:
        return (now_ns // self._period_ns + 1) * self._period_ns
