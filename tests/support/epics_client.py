"""A client of an EPICS IOC, by aioca and by p4p, in a process of its own."""

import asyncio
import functools
import os
from typing import Any

import aioca
from p4p.client.thread import Context, Disconnected

from conversing import converse, say

NS_PER_S = 10**9


def augmented(value: Any) -> dict[str, Any]:
    """Return what came with a value of Channel Access."""
    found = {name: x for name, x in vars(value).items() if name not in ("name", "ok", "datatype")}
    return {name: x if x == x else None for name, x in found.items()} | {"value": plain(value)}


def plain(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(value)  # p4p prints a string with its time
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return value.tolist()


async def main() -> None:
    pva = Context("pva", useenv=True)
    subscriptions: list[Any] = []

    def on_ca(value: Any) -> None:
        if not value.ok:
            say(update={"via": "ca", "pv": value.name, "lost": True})
            return
        seconds, ns = value.raw_stamp
        say(
            update={
                "via": "ca",
                "pv": value.name,
                "time_ns": seconds * NS_PER_S + ns,
                "value": plain(value),
                "alarm": [value.severity, value.status],
            }
        )

    def on_pva(pv: str, value: Any) -> None:
        if isinstance(value, Exception):
            if not isinstance(value, Disconnected):
                say(update={"via": "pva", "pv": pv, "lost": True})
            return
        seconds, ns = value.raw_stamp
        time_ns = seconds * NS_PER_S + ns
        alarm = [value.severity, value.raw.alarm.message]
        say(update={"via": "pva", "pv": pv, "time_ns": time_ns, "value": plain(value), "alarm": alarm})

    async def monitor(pvs: list[str]) -> int:
        options: Any = {"all_updates": True, "format": aioca.FORMAT_TIME, "notify_disconnect": True}
        for pv in pvs:
            await aioca.connect(pv, timeout=30)
            subscriptions.append(aioca.camonitor(pv, on_ca, **options))
            # Four updates wait for a client of pvAccess where it asks for no more, and the newest is overwritten.
            request = "record[queueSize=1000]field()"
            seen: Any = functools.partial(on_pva, pv)
            subscriptions.append(pva.monitor(pv, seen, request=request, notify_disconnect=True))
        await asyncio.sleep(0.5)
        return len(subscriptions)

    async def get(pv: str, *, as_text: bool = False, form: str = "ctrl") -> Any:
        format = aioca.FORMAT_CTRL if form == "ctrl" else aioca.FORMAT_TIME
        datatype: Any = {"enum": aioca.DBR_ENUM_STR, "long": aioca.DBR_CHAR_STR}.get(form) if as_text else None
        return augmented(await aioca.caget(pv, format=format, datatype=datatype, timeout=30))

    async def text(pv: str, *, long: bool = False) -> str:
        kind = aioca.DBR_CHAR_STR if long else aioca.DBR_ENUM_STR
        return str(await aioca.caget(pv, datatype=kind, timeout=30))

    async def put(pv: str, value: Any) -> bool:
        done: Any = await aioca.caput(pv, value, timeout=30, wait=True, throw=False)
        return bool(done.ok)

    async def pva_get(pv: str) -> Any:
        value: Any = await asyncio.to_thread(pva.get, pv, timeout=30)
        return value.raw.todict(None, dict)

    async def pva_put(pv: str, value: Any) -> str:
        try:
            await asyncio.to_thread(pva.put, pv, value, timeout=30)
        except Exception as error:
            return str(error)
        return ""

    await converse(monitor=monitor, get=get, text=text, put=put, pva_get=pva_get, pva_put=pva_put)
    for subscription in subscriptions:
        subscription.close()
    pva.close()


if __name__ == "__main__":
    assert os.environ["EPICS_CA_ADDR_LIST"]
    asyncio.run(main())
