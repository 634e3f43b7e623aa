"""A pvAccess server whose PVs come and go one by one, as those of a gateway do."""

import asyncio
import sys
from typing import Any

from p4p.nt import NTScalar
from p4p.server import Server, StaticProvider
from p4p.server.asyncio import SharedPV

from conversing import converse
from facility.time import NS_PER_S


async def main(port: str) -> None:
    provider = StaticProvider("removable")
    pvs: dict[str, Any] = {}

    async def say(name: str, time_ns: int, value: float) -> None:
        """Post a value; a PV that is not there comes with it."""
        stamp = {"secondsPastEpoch": time_ns // NS_PER_S, "nanoseconds": time_ns % NS_PER_S}
        posted = {"value": value, "timeStamp": stamp}
        if name in pvs:
            pvs[name].post(posted)
        else:
            pvs[name] = SharedPV(nt=NTScalar("d"), initial=posted)
            provider.add(name, pvs[name])

    async def remove(name: str) -> None:
        provider.remove(name)
        pvs.pop(name).close(destroy=True)

    configuration = {
        "EPICS_PVAS_SERVER_PORT": port,
        "EPICS_PVAS_BROADCAST_PORT": port,
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
    }
    with Server([provider], conf=configuration, useenv=False):
        await converse(say=say, remove=remove)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
