"""A client of a Tango device in a process of its own."""

import asyncio
import sys
from typing import Any

import tango

from conversing import converse, say


def shown(reading: Any) -> dict[str, Any]:
    """Return what an attribute says."""
    time_us = reading.time.tv_sec * 10**6 + reading.time.tv_usec
    return {"time_us": time_us, "value": reading.value, "quality": str(reading.quality).removeprefix("ATTR_")}


async def main(address: str) -> None:
    device: Any = tango.DeviceProxy(address)

    async def monitor(attributes: list[str]) -> int:
        def on_event(event: Any) -> None:
            if event.err:
                say(update={"attribute": event.attr_name, "lost": event.errors[0].desc})
                return
            said = event.attr_value
            say(update={"attribute": said.name, **shown(said)})

        for name in attributes:
            device.subscribe_event(name, tango.EventType.CHANGE_EVENT, on_event)
        return len(attributes)

    async def read(attribute: str) -> Any:
        return shown(device.read_attribute(attribute))

    async def about(attribute: str) -> Any:
        config = device.get_attribute_config(attribute)
        names = ("unit", "label", "format", "description")
        return {n: getattr(config, n) for n in names} | {"words": list(config.enum_labels)}

    async def state() -> list[str]:
        return [str(device.state()), device.status()]

    async def command(name: str, argument: Any = None) -> Any:
        try:
            answer = device.command_inout(name) if argument is None else device.command_inout(name, argument)
        except tango.DevFailed as error:
            return {"refused": error.args[0].desc}
        return list(answer) if isinstance(answer, tuple | list) else answer

    async def poll(attribute: str, period_ms: int) -> None:
        device.poll_attribute(attribute, period_ms)

    await converse(monitor=monitor, read=read, about=about, state=state, command=command, poll=poll)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
