"""A real IOC with many PVs that count, processed by the IOC itself: whoever hears them all hears every number.

Beside them an array, which is no signal.
"""

import asyncio
import os
import sys
from importlib import import_module
from typing import Any

from conversing import converse
from simulators.outlets.epics_address import EpicsAddress


async def main(ca_port: str, pva_port: str, count: str, scan: str) -> None:
    address = EpicsAddress("127.0.0.1", int(ca_port), int(pva_port), int(pva_port) + 1, "C:", alarms=False)
    address.set_environment(os.environ)
    builder: Any = import_module("softioc.builder")
    softioc: Any = import_module("softioc.softioc")
    dispatcher: Any = import_module("softioc.asyncio_dispatcher")
    builder.SetSimpleRecordNames("C:", "")
    for i in range(int(count)):
        # Posted also where nothing changed, though a counter always does.
        builder.records.calc(f"N_{i:04}", CALC="VAL+1", SCAN=scan, MDEL=-1, ADEL=-1)
    builder.WaveformIn("WAVE", initial_value=[1.0, 2.0, 3.0])
    printed = os.dup(1)
    os.dup2(2, 1)
    builder.LoadDatabase()
    softioc.iocInit(dispatcher.AsyncioDispatcher(asyncio.get_running_loop()))
    os.dup2(printed, 1)

    async def ready() -> None:
        pass

    await converse(ready=ready)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
