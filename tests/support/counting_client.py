"""A client of EPICS that only counts what it hears: what kado's sources are measured against."""

import asyncio
import sys
import threading
import time
from typing import Any

from conversing import converse


async def main(kind: str, count: str) -> None:
    heard = [0]
    names = [f"C:N_{i:04}" for i in range(int(count))]
    kept: list[Any] = []
    if kind == "epics_ca":
        import aioca

        def on_value(_: Any) -> None:
            heard[0] += 1

        options: Any = {"format": aioca.FORMAT_TIME, "all_updates": True, "notify_disconnect": True}
        kept.append([aioca.camonitor(name, on_value, **options) for name in names])
    else:
        from p4p.client.thread import Context

        context = Context("pva", nt=False)
        lock = threading.Lock()

        def on_update(_: Any) -> None:
            with lock:
                heard[0] += 1

        request = "record[queueSize=1000]field(value,alarm,timeStamp)"
        kept.append([context.monitor(name, on_update, request=request) for name in names])

    async def cost() -> list[float]:
        return [float(heard[0]), time.process_time()]

    await converse(cost=cost)
    # Whatever the libraries still want to say is of no use.
    sys.stdout.flush()
    import os

    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
