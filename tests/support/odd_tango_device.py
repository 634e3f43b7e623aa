"""A Tango device whose attributes differ in what they offer: no events, archive events only, errors, arrays."""

import asyncio
import sys
import threading
import time
from typing import Any

import tango
from tango.server import Device, attribute, run

from conversing import converse

MANY = 1000
"""Further attributes, n_0000 to n_0999."""
STATE: dict[str, Any] = {"silent": 0.0, "archived": 0.0, "broken": 1.0, "fails": False}


class Odd(Device):
    def init_device(self) -> None:
        super().init_device()
        self.set_state(tango.DevState.ON)
        self.set_archive_event("archived", True, False)
        self.set_change_event("broken", True, False)

    def initialize_dynamic_attributes(self) -> None:
        for i in range(MANY):
            self.add_attribute(attribute(name=f"n_{i:04}", dtype=float, fget=self._read_one))
            self.set_change_event(f"n_{i:04}", True, False)

    def _read_one(self, of: Any) -> None:
        of.set_value(float(of.get_name()[2:]))

    @attribute(dtype=float)
    def silent(self) -> float:
        return STATE["silent"]

    @attribute(dtype=float)
    def archived(self) -> float:
        return STATE["archived"]

    @attribute(dtype=float)
    def broken(self) -> float:
        if STATE["fails"]:
            raise RuntimeError("the sensor does not answer")
        return STATE["broken"]

    @attribute(dtype=(float,), max_dim_x=3)
    def several(self) -> list[float]:
        return [1.0, 2.0]


def serve(port: int, ready: threading.Event, stop: threading.Event) -> None:
    with tango.EnsureOmniThread():
        run(
            [Odd],
            args=["Odd", "1", "-nodb", "-dlist", "kado/odd/1", "-ORBendPoint", f"giop:tcp:127.0.0.1:{port}"],
            post_init_callback=ready.set,
            event_loop=lambda: stop.wait(0.05),
            msg_stream=None,
            raises=True,
        )


async def main(port: str) -> None:
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=serve, args=(int(port), ready, stop), daemon=True)
    thread.start()
    await asyncio.to_thread(ready.wait, 20)
    device: Any = tango.Util.instance().get_device_by_name("kado/odd/1")

    async def set(**values: Any) -> None:
        STATE.update(values)

    async def push(name: str, value: float) -> None:
        def now() -> None:
            with tango.EnsureOmniThread():
                STATE[name] = value
                arguments = (name, value, time.time(), tango.AttrQuality.ATTR_VALID)
                device.push_archive_event(*arguments) if name == "archived" else device.push_change_event(*arguments)

        await asyncio.to_thread(now)

    async def push_all(rounds: int, pause_s: float = 0.2) -> None:
        def now() -> None:
            with tango.EnsureOmniThread():
                for number in range(rounds):
                    for i in range(MANY):
                        arguments = (float(number), time.time(), tango.AttrQuality.ATTR_VALID)
                        device.push_change_event(f"n_{i:04}", *arguments)
                    time.sleep(pause_s)

        await asyncio.to_thread(now)

    async def push_error(name: str) -> None:
        def now() -> None:
            with tango.EnsureOmniThread():
                try:
                    tango.Except.throw_exception("Odd_Failure", "the sensor does not answer", "odd")
                except tango.DevFailed as error:
                    device.push_change_event(name, error)

        await asyncio.to_thread(now)

    await converse(set=set, push=push, push_all=push_all, push_error=push_error)
    stop.set()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
